"""The script that makes the table of terminology, run on definitions of a few lines."""

import gzip
import json
import sys
from pathlib import Path

import pytest

from fhir.spec import build_terminology
from fhir.spec.build_terminology import build, compact

SYSTEM = {
    "resourceType": "CodeSystem",
    "id": "s",
    "url": "urn:s",
    "text": {"div": "<div/>"},
    "content": "complete",
    "concept": [{"code": "a", "definition": "long", "designation": [{"value": "x"}], "concept": [{"code": "b"}]}],
}


def write(folder: Path) -> None:
    entries = {name: [] for name in (*build_terminology.SOURCES, "conceptmaps.json")}
    entries["valuesets.json"] = [SYSTEM, {"resourceType": "StructureDefinition", "url": "urn:other"}]
    entries["v2-tables.json"] = [{**SYSTEM, "concept": []}]
    entries["conceptmaps.json"] = [{"resourceType": "ConceptMap", "url": "urn:m", "purpose": "none", "group": []}]
    for name, resources in entries.items():
        (folder / name).write_text(json.dumps({"entry": [{"resource": one} for one in resources]}), encoding="utf-8")


def test_what_no_operation_uses_is_left_out() -> None:
    found = compact(SYSTEM)

    assert sorted(found) == ["concept", "content", "resourceType", "url"]
    assert found["concept"] == [{"code": "a", "concept": [{"code": "b"}]}]


def test_a_grammar_is_no_list_of_its_examples() -> None:
    value_set = {
        "resourceType": "ValueSet",
        "url": "http://hl7.org/fhir/ValueSet/mimetypes",
        "compose": {"include": []},
    }

    assert compact(value_set)["compose"] == {"include": [{"system": "urn:ietf:bcp:13"}]}


def test_the_first_of_a_url_stays(tmp_path: Path) -> None:
    write(tmp_path)

    found = build(tmp_path)

    assert list(found) == ["CodeSystem|urn:s", "ConceptMap|urn:m"]
    assert len(found["CodeSystem|urn:s"]["concept"]) == 1


def test_the_same_definitions_make_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setattr(build_terminology, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["build_terminology", str(tmp_path)])

    build_terminology.main()
    first = (tmp_path / "terminology.json.gz").read_bytes()
    build_terminology.main()

    assert (tmp_path / "terminology.json.gz").read_bytes() == first
    assert gzip.decompress(first).splitlines()[1].startswith(b'"CodeSystem|urn:s":{')


def test_without_a_folder_it_says_how_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["build_terminology"])

    with pytest.raises(SystemExit, match="usage"):
        build_terminology.main()
