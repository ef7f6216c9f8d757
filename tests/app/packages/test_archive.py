"""A package comes from elsewhere: what could do harm is refused, and only conformance resources are taken."""

import gzip
import tarfile
from pathlib import Path

import pytest

from app.packages import archive
from app.packages.archive import BadPackage, read_package
from tests.packages import a_package
from tests.profiles import a_profile, a_value_set


def test_conformance_resources_are_taken_as_published(tmp_path: Path) -> None:
    profile = a_profile("P", "Patient")
    text = b'{"resourceType": "ValueSet",  "url": "urn:v", "version": "2", "experimental": true}'
    patient = {"resourceType": "Patient", "id": "1"}

    found = read_package(
        a_package(
            tmp_path / "p.tgz", profile, patient, dependencies={"other": "1.2"}, files={"package/text.json": text}
        )
    )

    assert (found.name, found.version, found.dependencies) == ("example.package", "1.0.0", {"other": "1.2"})
    assert [(one.type, one.url, one.version) for one in found.resources] == [
        ("StructureDefinition", profile["url"], "1.0"),
        ("ValueSet", "urn:v", "2"),
    ]
    assert found.resources[1].body == text
    assert found.unread == []


def test_what_lies_deeper_or_is_no_json_is_left(tmp_path: Path) -> None:
    hidden = b'{"resourceType": "ValueSet", "url": "urn:v"}'
    files = {"package/example/a.json": hidden, "package/a.txt": hidden, "other/a.json": hidden, "a.json": hidden}

    found = read_package(a_package(tmp_path / "p.tgz", files=files))

    assert found.resources == []


def test_json_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    files = {"package/twice.json": b'{"a": 1, "a": 2}', "package/half.json": b'{"a":'}

    found = read_package(a_package(tmp_path / "p.tgz", a_value_set("V", "urn:s"), files=files))

    assert [one.partition(":")[0] for one in found.unread] == ["twice.json", "half.json"]
    assert len(found.resources) == 1


def a_member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (a_member("package/../../etc/passwd", tarfile.REGTYPE), "leaves the package"),
        (a_member("/etc/passwd", tarfile.REGTYPE), "leaves the package"),
        (a_member("package\\..\\x.json", tarfile.REGTYPE), "leaves the package"),
        (a_member("package/x.json", tarfile.SYMTYPE, "/etc/passwd"), "no links"),
        (a_member("package/x.json", tarfile.LNKTYPE, "package/package.json"), "no links"),
        (a_member("package/x.json", tarfile.FIFOTYPE), "no links"),
        (a_member("package/x.json", tarfile.CHRTYPE), "no links"),
    ],
    ids=["up and out", "absolute", "with backslashes", "symbolic link", "hard link", "pipe", "device"],
)
def test_what_could_do_harm_refuses_the_package(tmp_path: Path, member: tarfile.TarInfo, words: str) -> None:
    path = a_package(tmp_path / "p.tgz", a_value_set("V", "urn:s"), more=(member,))

    with pytest.raises(BadPackage, match=words):
        read_package(path)


@pytest.mark.parametrize(
    ("bound", "most", "words"),
    [
        ("ARCHIVE_BYTES", 10, "larger than 10 bytes"),
        ("MEMBER_BYTES", 10, "A file is larger"),
        ("MEMBERS", 1, "more than 1 members"),
    ],
)
def test_a_package_over_a_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, words: str
) -> None:
    path = a_package(tmp_path / "p.tgz", a_value_set("V", "urn:s"))
    monkeypatch.setattr(archive, bound, most)

    with pytest.raises(BadPackage, match=words):
        read_package(path)


def test_an_archive_that_inflates_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive._Bounded, "left", 1_000_000)
    path = a_package(tmp_path / "p.tgz", files={"package/other/zeros.bin": bytes(50_000_000)})

    with pytest.raises(BadPackage, match="inflates to more"):
        read_package(path)

    assert path.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no archive", "no gzipped tar archive"),
        (gzip.compress(b"no tar"), "no gzipped tar archive"),
        (gzip.compress(bytes(10_240))[:-12], "no gzipped tar archive"),
        (gzip.compress(bytes(10_240)), "no package/package.json"),
    ],
    ids=["not gzipped", "no tar", "cut off", "empty"],
)
def test_a_file_that_is_no_package_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "p.tgz").write_bytes(content)

    with pytest.raises(BadPackage, match=words):
        read_package(tmp_path / "p.tgz")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"name": "../x"}, "cannot have"),
        ({"name": ""}, "cannot have"),
        ({"version": "1 0"}, "cannot have"),
        ({"fhirVersions": ["5.0.0"]}, "not for FHIR R4"),
        ({"fhirVersions": "4.0.1"}, "not for FHIR R4"),
    ],
    ids=["a path as name", "no name", "a space in the version", "for R5", "no list of versions"],
)
def test_a_package_that_describes_itself_wrongly_is_refused(
    tmp_path: Path, manifest: dict[str, str], words: str
) -> None:
    with pytest.raises(BadPackage, match=words):
        read_package(a_package(tmp_path / "p.tgz", **manifest))


def test_a_package_without_a_name_or_with_a_broken_manifest_is_refused(tmp_path: Path) -> None:
    nameless = a_package(tmp_path / "a.tgz", files={"package/package.json": b"{}"})
    broken = a_package(tmp_path / "b.tgz", files={"package/package.json": b"{"})

    with pytest.raises(BadPackage, match="names no package"):
        read_package(nameless)
    with pytest.raises(BadPackage, match=r"package\.json"):
        read_package(broken)
