"""The published suites of JSON Patch, FHIRPath Patch and XML Patch, each case of them."""

import json
from typing import Any

import pytest
from lxml import etree

from fhir.errors import FhirError
from fhir.patch import fhirpath_patch, json_patch, xml_patch
from fhir.spec.elements import PRIMITIVE_TYPES, properties
from tests.spec_data import SPEC_DATA

_PARSER = etree.XMLParser(remove_comments=True)
TESTS = SPEC_DATA / "fhir" / "tests"
JSON_CASES = json.loads((TESTS / "json-patch-tests.json").read_bytes())
FHIR_CASES = list(etree.parse(TESTS / "fhir-patch-tests.xml", _PARSER).getroot().iter("case"))
XML_CASES = list(etree.parse(TESTS / "xml-patch-tests.xml").getroot().iter("case"))
FHIR, XHTML = "{http://hl7.org/fhir}", "{http://www.w3.org/1999/xhtml}"


def _is_array(owner: str, name: str) -> bool:
    return properties(owner)[name][0].max != 1


def _object(element: Any, type_name: str) -> dict[str, Any]:
    """Return the JSON of an XML element of a type, attributes of primitives left to `_primitive`."""
    made: dict[str, Any] = dict(element.attrib)
    for child in element:
        name = child.tag.removeprefix(FHIR).removeprefix(XHTML)
        definition, code = properties(type_name)[name]
        inner = definition.content_reference or (
            f"{type_name}.{name}" if code in {"BackboneElement", "Element"} else code
        )
        value, beside = _value(child, inner)
        for key, one in ((name, value), (f"_{name}", beside)):
            if one is not None:
                made.setdefault(key, []).append(one) if _is_array(type_name, name) else made.update({key: one})
    return made


def _value(child: Any, code: str) -> tuple[Any, Any]:
    if code == "xhtml":
        return etree.tostring(child, encoding="unicode", with_tail=False), None
    if code not in PRIMITIVE_TYPES:
        return _object(child, code), None
    text = child.attrib.pop("value", None)
    value: Any = text
    if code == "boolean" and text is not None:
        value = text == "true"
    elif code in {"integer", "unsignedInt", "positiveInt"} and text is not None:
        value = int(text)
    return value, _object(child, code) or None


def _resource(parent: Any) -> dict[str, Any]:
    (element,) = parent
    name = element.tag.removeprefix(FHIR)
    return {"resourceType": name, **_object(element, name)}


def _words(value: Any) -> Any:
    """Return a tree whose strings have single spaces: the suite breaks the lines of narratives at will."""
    if isinstance(value, dict):
        return {key: _words(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_words(one) for one in value]
    return "".join(value.split()) if isinstance(value, str) else value


@pytest.mark.parametrize("case", JSON_CASES, ids=lambda case: case["comment"])
def test_json_patch(case: dict[str, Any]) -> None:
    patch = json_patch.operations(json.dumps(case["patch"]).encode())

    if "error" in case:
        with pytest.raises(FhirError, match="Operation 0"):
            json_patch.apply(case["doc"], patch)
    else:
        assert json_patch.apply(case["doc"], patch) == case["expected"]


@pytest.mark.parametrize("case", FHIR_CASES, ids=lambda case: case.get("name"))
def test_fhirpath_patch(case: Any) -> None:
    input_, diff, output = case.find("input"), case.find("diff"), case.find("output")
    patch = fhirpath_patch.read(json.dumps(_resource(diff)).encode())
    body = json.dumps(_resource(input_)).encode()

    if output is None:
        with pytest.raises(FhirError, match="Operation 0"):
            patch(body)
    else:
        assert _words(json.loads(patch(body))) == _words(_resource(output))


def _only_child(case: Any, name: str) -> bytes:
    """Return the XML of what lies in an element of a case, or nothing."""
    inner = list(case.find(name))
    return etree.tostring(inner[0], with_tail=False) if inner else b""


def _canonical(text: bytes) -> bytes:
    """Return XML without the white space between elements, in the canonical form that shows comments too."""
    root = etree.fromstring(text, etree.XMLParser(remove_blank_text=True))
    # Text between the nodes of mixed content is no blank text to the parser, and the suite breaks lines there.
    for node in root.iter():
        node.text = (node.text or "").strip() or None if isinstance(node.tag, str) else node.text
        node.tail = (node.tail or "").strip() or None
    return bytes(etree.tostring(root, method="c14n"))


@pytest.mark.parametrize("case", XML_CASES, ids=lambda case: case.get("name"))
def test_xml_patch(case: Any) -> None:
    document = etree.tostring(case.find(f"{FHIR}patch"), with_tail=False)
    target = _only_child(case, "target")

    if case.find("patched") is None:
        with pytest.raises(FhirError):
            xml_patch.read(document)(target)
    else:
        assert _canonical(xml_patch.read(document)(target)) == _canonical(_only_child(case, "patched"))


def test_the_suites_are_whole() -> None:
    assert (len(JSON_CASES), len(FHIR_CASES), len(XML_CASES)) == (16, 33, 29)
