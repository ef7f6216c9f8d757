from pathlib import Path

from tests.app.cli.conftest import Renkei
from tests.packages import a_package
from tests.profiles import a_profile, a_value_set


def test_packages_are_loaded_listed_and_removed(renkei: Renkei, tmp_path: Path) -> None:
    first = a_package(tmp_path / "a.tgz", a_profile("P", "Patient"), a_value_set("V", "urn:s"))
    second = a_package(tmp_path / "b.tgz", version="1.1.0")

    loaded = [renkei("package", "load", str(path)) for path in (first, second)]
    listed = renkei("package", "list")
    removed = renkei("package", "remove", "example.package", "1.0.0")
    left = renkei("package", "list")

    assert [one.output for one in loaded] == [
        "Loaded example.package 1.0.0: 2 resources\n",
        "Loaded example.package 1.1.0: 0 resources\n",
    ]
    assert listed.output == "example.package\t1.0.0\t2\nexample.package\t1.1.0\t0\n"
    assert removed.output == "Removed example.package 1.0.0\n"
    assert left.output == "example.package\t1.1.0\t0\n"


def test_a_package_is_loaded_once_and_removed_once(renkei: Renkei, tmp_path: Path) -> None:
    path = str(a_package(tmp_path / "a.tgz"))

    outputs = [
        renkei("package", "load", path).output,
        renkei("package", "load", path).output,
        renkei("package", "remove", "example.package", "1.0.0").output,
        renkei("package", "remove", "example.package", "1.0.0").output,
    ]

    assert [one.partition("\n")[0] for one in outputs] == [
        "Loaded example.package 1.0.0: 0 resources",
        "Error: example.package 1.0.0 is loaded already; remove it first",
        "Removed example.package 1.0.0",
        "Error: example.package 1.0.0 is not loaded",
    ]


def test_what_a_package_depends_on_and_is_not_loaded_is_said(renkei: Renkei, tmp_path: Path) -> None:
    needs = {"hl7.fhir.r4.core": "4.0.1", "a": "1.4.x", "b": "2.0.0", "c": "1.0"}
    for name, version in (("a", "1.4.7"), ("b", "1.9.0")):
        renkei("package", "load", str(a_package(tmp_path / f"{name}.tgz", name=name, version=version)))

    loaded = renkei("package", "load", str(a_package(tmp_path / "p.tgz", dependencies=needs)))

    assert loaded.exit_code == 0
    assert loaded.stderr == (
        "It depends on b 2.0.0, which is not loaded; there is 1.9.0\nIt depends on c 1.0, which is not loaded\n"
    )


def test_a_bad_package_is_refused_and_nothing_is_kept(renkei: Renkei, tmp_path: Path) -> None:
    (tmp_path / "p.tgz").write_bytes(b"no archive")

    refused = renkei("package", "load", str(tmp_path / "p.tgz"))

    assert refused.exit_code == 1
    assert "no gzipped tar archive" in refused.stderr
    assert renkei("package", "list").output == ""


def test_files_that_cannot_be_read_are_named(renkei: Renkei, tmp_path: Path) -> None:
    loaded = renkei("package", "load", str(a_package(tmp_path / "p.tgz", files={"package/x.json": b"{"})))

    assert loaded.exit_code == 0
    assert loaded.stderr.startswith("Not read: x.json: ")
