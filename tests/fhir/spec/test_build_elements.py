"""The scripts that make the tables, run on a definition of a few lines in the form of the published files."""

import json
import runpy
import sys

import pytest

from fhir.spec import build_elements
from fhir.spec.build_codes import NotEnumerable, expand
from fhir.spec.build_elements import build

SD = "http://hl7.org/fhir/StructureDefinition/"
STRING = {
    "code": "http://hl7.org/fhirpath/System.String",
    "extension": [
        {"url": f"{SD}structuredefinition-fhir-type", "valueUrl": "string"},
        {"url": f"{SD}regex", "valueString": "[a-z]+"},
    ],
}


def element(path, *types, **more):
    return {"path": path, "min": 0, "max": "1", "type": list(types), "base": {"path": path}, **more}


def structure(name, kind, *parts, abstract=False):
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "kind": kind,
        "abstract": abstract,
        "snapshot": {"element": [{"path": name, "min": 0, "max": "*"}, *parts]},
    }


def write(folder, name, *resources):
    text = json.dumps({"entry": [{"resource": resource} for resource in resources]})
    (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def definitions(tmp_path):
    bound = {"strength": "required", "valueSet": "http://example.org/colours|4.0.1"}
    grammar = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/mimetypes"}
    write(tmp_path, "profiles-types.json", structure("name", "primitive-type", element("name.value", STRING)))
    write(
        tmp_path,
        "profiles-resources.json",
        {"resourceType": "OperationDefinition", "id": "Nothing"},
        structure("SubscriptionStatus", "resource"),
        structure("Resource", "resource", element("Resource.id", STRING), abstract=True),
        structure(
            "Binary",
            "resource",
            element("Binary.url", {"code": "url"}),
            element("Binary.colour", {"code": "code"}, min=1, binding=bound, isModifier=True, isSummary=True),
            element("Binary.contentType", {"code": "code"}, binding=grammar),
            element("Binary.size", {"code": "Quantity", "profile": [f"{SD}SimpleQuantity"]}),
            element("Binary.gone", {"code": "string"}, max="0"),
            element("Binary.owner", {"code": "Reference", "targetProfile": ["https://example.org/Foreign"]}),
            element("Binary.about", {"code": "Reference", "targetProfile": [f"{SD}Resource"]}),
            element("Binary.part", max="*", contentReference="#Binary.owner"),
        ),
        structure(
            "EvidenceVariable",
            "resource",
            element("EvidenceVariable.characteristic", {"code": "BackboneElement"}, max="*"),
            element("EvidenceVariable.characteristic.linkId", {"code": "id"}),
        ),
    )
    owner = element("Binary.owner", {"code": "Reference", "targetProfile": [f"{SD}Patient"]})
    exclude = element("EvidenceVariable.characteristic.exclude", {"code": "boolean"})
    write(tmp_path, "dataelements.json", structure("x", "y", owner), structure("x", "y", exclude))
    colours = {"include": [{"system": "urn:colours"}], "exclude": [{"concept": [{"code": "none"}]}]}
    concepts = [{"code": "none"}, {"code": "red", "concept": [{"code": "crimson"}]}]
    write(
        tmp_path,
        "valuesets.json",
        {"resourceType": "ValueSet", "url": "http://example.org/colours", "compose": colours},
        {"resourceType": "CodeSystem", "url": "urn:colours", "content": "complete", "concept": concepts},
    )
    write(tmp_path, "v3-codesystems.json")
    write(tmp_path, "v2-tables.json")
    return tmp_path


def test_the_tables_hold_the_facts_of_the_definitions(definitions, capsys):
    types, codes = build(definitions)

    assert codes == {"http://example.org/colours": ["crimson", "red"]}
    assert types == {
        "Binary": {
            "kind": "resource",
            "elements": {
                "colour": {
                    "min": 1,
                    "types": ["code"],
                    "codes": "http://example.org/colours",
                    "mod": 1,
                    "sum": 1,
                },
                "contentType": {"types": ["code"]},
                "size": {"types": ["Quantity"], "simple": 1},
                "owner": {"types": ["Reference"], "refs": ["Patient"]},
                "about": {"types": ["Reference"]},
                "part": {"max": "*", "same": "Binary.owner"},
            },
        },
        "EvidenceVariable": {
            "kind": "resource",
            "elements": {
                "characteristic": {"min": 1, "max": "*", "types": ["BackboneElement"]},
                "characteristic.exclude": {"types": ["boolean"]},
            },
        },
        "Resource": {"kind": "resource", "abstract": 1, "elements": {"id": {"types": ["id"]}}},
        "name": {"kind": "primitive", "elements": {}, "regex": "[a-z]+"},
    }
    assert "Binary.contentType: http://hl7.org/fhir/ValueSet/mimetypes is left out" in capsys.readouterr().err


def test_the_command_writes_one_member_a_line(definitions, tmp_path, monkeypatch):
    monkeypatch.setattr(build_elements, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["build_elements", str(definitions)])

    build_elements.main()

    assert (tmp_path / "codes.json").read_text() == '{\n"http://example.org/colours":["crimson","red"]\n}\n'
    assert len((tmp_path / "elements.json").read_text().splitlines()) == 6


def test_the_command_wants_a_folder(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_elements"])
    monkeypatch.delitem(sys.modules, "fhir.spec.build_elements")

    with pytest.raises(SystemExit, match="DEFINITIONS_DIR"):
        runpy.run_module("fhir.spec.build_elements", run_name="__main__")


def test_a_regex_is_wanted_of_no_primitive():
    assert build_elements._regex({"type": [{"code": "string"}]}) == {}


SYSTEM = {
    "url": "urn:s",
    "content": "complete",
    "concept": [
        {
            "code": "a",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [{"code": "b"}],
        },
        {"code": "c", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
        {"code": "d"},
    ],
}


def known(*include, **more):
    return {
        "CodeSystem|urn:s": SYSTEM,
        "CodeSystem|urn:part": {"url": "urn:part", "content": "fragment"},
        "ValueSet|v": {"url": "v", "compose": {"include": list(include), **more}},
        "ValueSet|two": {"url": "two", "compose": {"include": [{"concept": [{"code": "b"}, {"code": "z"}]}]}},
    }


@pytest.mark.parametrize(
    ("include", "codes"),
    [
        ([{"system": "urn:s"}], {"b", "c", "d"}),
        ([{"system": "urn:s", "filter": [{"property": "concept", "op": "is-a", "value": "b"}]}], {"b", "c"}),
        ([{"system": "urn:s", "valueSet": ["two"]}], {"b"}),
        ([{"valueSet": ["two"]}, {"concept": [{"code": "d"}]}], {"b", "z", "d"}),
    ],
    ids=["whole system without abstract codes", "is-a", "intersection", "union"],
)
def test_a_value_set_expands(include, codes):
    assert expand("v|1", known(*include)) == codes


@pytest.mark.parametrize(
    "include",
    [
        [{"system": "urn:part"}],
        [{"system": "urn:none"}],
        [{"system": "urn:s", "filter": [{"property": "concept", "op": "regex", "value": "b"}]}],
        [{"concept": []}],
    ],
    ids=["fragment of a system", "unknown system", "another filter", "nothing"],
)
def test_a_value_set_that_cannot_be_listed_is_refused(include):
    with pytest.raises(NotEnumerable):
        expand("v", known(*include))
