"""A resource's JSON is written as FHIR XML; what XML cannot hold is refused with its place."""

import json

import pytest

from fhir.spec.elements import CONCRETE_TYPES
from fhir.xml.to_json import to_json
from fhir.xml.to_xml import NotWritable, to_xml
from tests.canary import a_canary

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x<br></br></div>'


def written(text: str, **options: bool) -> str:
    return to_xml(text.encode(), **options).decode().removeprefix(HEAD)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"gender":"male","active":true', '<active value="true"/><gender value="male"/>'),
        ('"multipleBirthInteger":2', '<multipleBirthInteger value="2"/>'),
        ('"_birthDate":{"id":"a"},"birthDate":"1960"', '<birthDate id="a" value="1960"/>'),
        (
            '"name":[{"id":"n","given":["a",null],"_given":[null,{"extension":[{"valueCode":"x","url":"u"}]}]}]',
            (
                '<name id="n"><given value="a"/><given><extension url="u"><valueCode value="x"/></extension></given>'
                "</name>"
            ),
        ),
        (
            '"extension":[{"extension":[{"url":"b","valueDecimal":6.30}],"url":"a"}]',
            '<extension url="a"><extension url="b"><valueDecimal value="6.30"/></extension></extension>',
        ),
        ('"extension":[{"url":"b","valueDecimal":1e2}]', '<extension url="b"><valueDecimal value="1e2"/></extension>'),
        ('"contained":[{"resourceType":"Basic"}]', "<contained><Basic/></contained>"),
        ('"name":[{"text":"a\\n\\"<&>\\t"}]', '<name><text value="a&#10;&quot;&lt;&amp;&gt;&#9;"/></name>'),
        (
            f'"text":{{"div":{json.dumps(DIV)},"status":"generated"}}',
            f'<text><status value="generated"/>{DIV}</text>',
        ),
    ],
)
def test_a_member_becomes_its_element_in_the_order_of_the_definition(members: str, expected: str) -> None:
    made = written(f'{{{members},"resourceType":"Patient"}}')

    assert made == f'<Patient xmlns="http://hl7.org/fhir">{expected}</Patient>'


def test_it_can_be_written_for_people() -> None:
    patient = {"resourceType": "Patient", "name": [{"given": ["a"]}], "text": {"status": "generated", "div": DIV}}

    made = written(json.dumps(patient), pretty=True)

    assert made.splitlines() == [
        "",
        '<Patient xmlns="http://hl7.org/fhir">',
        "  <text>",
        '    <status value="generated"/>',
        f"    {DIV}",
        "  </text>",
        "  <name>",
        '    <given value="a"/>',
        "  </name>",
        "</Patient>",
    ]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ('{"resourceType":"Thing"}', "Thing"),
        ('{"id":"1"}', "None"),
        ('{"resourceType":"Patient","nothing":1}', "Patient"),
        ('{"resourceType":"Patient","_name":[{}]}', "Patient"),
        ('{"resourceType":"Patient","name":{}}', "Patient.name"),
        ('{"resourceType":"Patient","name":["a"]}', "Patient.name"),
        ('{"resourceType":"Patient","active":{}}', "Patient.active"),
        ('{"resourceType":"Patient","active":null}', "Patient.active"),
        ('{"resourceType":"Patient","_active":{"nothing":1}}', "Patient.active"),
        ('{"resourceType":"Patient","name":[{"family":"\\u0001"}]}', "Patient.name.family"),
        ('{"resourceType":"Patient","name":[{"family":"\\ufffe"}]}', "Patient.name.family"),
        ('{"resourceType":"Patient","contained":[{"resourceType":[]}]}', "Patient.contained"),
        ('{"resourceType":"Patient","text":{"div":"</text><active value=\'true\'/>"}}', "Patient.text.div"),
        ('{"resourceType":"Patient","text":{"div":"<div>no namespace</div>"}}', "Patient.text.div"),
        ('{"resourceType":"Patient","text":{"div":1}}', "Patient.text.div"),
    ],
)
def test_what_xml_cannot_hold_is_refused_with_its_place(text: str, expression: str) -> None:
    with pytest.raises(NotWritable) as refused:
        to_xml(text.encode())

    assert refused.value.expression == expression


@pytest.mark.parametrize("type_name", sorted(CONCRETE_TYPES - {"Parameters"}))
def test_every_type_with_every_element_comes_back_as_it_was(type_name: str) -> None:
    resource = a_canary(type_name, "Patient/1")

    made = to_json(to_xml(json.dumps(resource).encode())).body

    assert json.loads(made) == resource


def test_parameters_hold_resources_and_parts() -> None:
    text = (
        '{"resourceType":"Parameters","parameter":[{"name":"a","valueDecimal":1.50},'
        '{"name":"b","resource":{"resourceType":"Basic"},"part":[{"name":"c","valueBoolean":false}]}]}'
    )

    assert to_json(to_xml(text.encode())).body.decode() == text
