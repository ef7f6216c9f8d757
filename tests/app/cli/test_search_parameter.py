from pathlib import Path

from tests.app.cli.conftest import Renkei
from tests.packages import a_package
from tests.search_parameters import a_search_parameter

GOOD = a_search_parameter("sex", "Patient", "token", "Patient.gender", status="draft")
BAD = a_search_parameter("bad", "Patient", "token", "Patient.first()")
TAKEN = a_search_parameter("gender", "Patient", "token", "Patient.active")
RETIRED = a_search_parameter("old", "Patient", "token", "Patient.active", status="retired")
BROKEN = {"resourceType": "SearchParameter", "url": "urn:broken", "status": "active", "base": ["Patient"]}


def test_a_package_is_switched_on_indexed_and_switched_off(renkei: Renkei, tmp_path: Path) -> None:
    renkei("package", "load", str(a_package(tmp_path / "a.tgz", GOOD, BAD, TAKEN, RETIRED, BROKEN)))

    on = renkei("search-parameter", "enable", "example.package", "1.0.0")
    waiting = renkei("search-parameter", "list")
    done = renkei("search-parameter", "index")
    active = renkei("search-parameter", "list")
    off = renkei("search-parameter", "disable", "example.package", "1.0.0")
    renkei("search-parameter", "index")

    assert on.stdout == "Switched on 1 search parameters of example.package 1.0.0\n"
    refused = on.stderr.splitlines()
    assert len(refused) == 3
    assert "'first'" in refused[0]
    assert "a value is needed" in refused[1]
    assert "R4 has a search parameter" in refused[2]
    source = "package/example.package#1.0.0"
    assert waiting.output == f"Patient\tsex\tindexing\t0 %\t0\t{source}\n"
    assert done.output == "Nothing waits\n"
    assert active.output == f"Patient\tsex\tactive\t100 %\t0\t{source}\n"
    assert off.output == "Switched off the search parameters of example.package 1.0.0\n"
    assert renkei("search-parameter", "list").output == ""


def test_they_go_with_their_package(renkei: Renkei, tmp_path: Path) -> None:
    renkei("package", "load", str(a_package(tmp_path / "a.tgz", GOOD)))
    renkei("search-parameter", "enable", "example.package", "1.0.0")

    renkei("package", "remove", "example.package", "1.0.0")
    renkei("search-parameter", "index")

    assert renkei("search-parameter", "list").output == ""
    assert renkei("search-parameter", "enable", "example.package", "1.0.0").exit_code == 1
    assert renkei("search-parameter", "disable", "example.package", "1.0.0").exit_code == 1
