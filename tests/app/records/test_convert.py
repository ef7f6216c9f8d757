"""`$convert` answers what it is sent in another form, checks it, and keeps nothing."""

import json

import pytest

from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

XML = "application/fhir+xml"
SENT = b'{"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueQuantity": {"value": 6.30}}'


async def test_json_becomes_xml_and_xml_json_and_digits_stay(world: World) -> None:
    hospital = await world.client("hospital-a")

    xml = await world.http.post("/fhir/$convert", headers=hospital | {"Accept": XML}, content=SENT)
    back = await world.http.post("/fhir/$convert", headers=hospital | {"Content-Type": XML}, content=xml.content)

    assert (xml.status_code, back.status_code) == (200, 200)
    assert xml.headers["content-type"].startswith(XML)
    assert b'<value value="6.30"/>' in xml.content
    assert back.headers["content-type"].startswith("application/fhir+json")
    assert b"6.30" in back.content
    assert back.json() == json.loads(SENT)
    assert await world.total(hospital, "Observation?_summary=count") == 0


async def test_what_is_sent_by_itself_comes_back_byte_for_byte(world: World) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/$convert", headers=hospital, content=SENT)

    assert answer.content == SENT


async def test_the_resource_may_be_the_parameter_input(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = b'{"resourceType":"Parameters","parameter":[{"name":"input","resource":' + SENT + b"}]}"

    answers = [
        await world.http.post("/fhir/$convert?_format=" + form, headers=hospital, content=sent)
        for form in ("json", "xml")
    ]

    in_xml = {"Content-Type": XML, "Accept": "application/fhir+json"}
    answers.append(await world.http.post("/fhir/$convert", headers=hospital | in_xml, content=to_xml(sent)))

    assert answers[0].json() == answers[2].json() == json.loads(SENT)
    assert b"6.30" in answers[0].content
    assert b"6.30" in answers[2].content
    assert json.loads(to_json(answers[1].content).body) == json.loads(SENT)


async def test_parameters_of_another_kind_are_a_resource_like_any_other(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = {"resourceType": "Parameters", "parameter": [{"name": "input", "valueString": "x"}]}

    answer = await world.http.post("/fhir/$convert", headers=hospital, json=sent)

    assert (answer.status_code, answer.json()) == (200, sent)


@pytest.mark.parametrize(
    ("body", "status", "expression"),
    [
        (b"", 400, "input"),
        (b"{", 400, None),
        (json.dumps(a_patient(colour="red")).encode(), 422, "Patient.colour"),
        (
            json.dumps(
                {"resourceType": "Parameters", "parameter": [{"name": "input", "resource": a_patient(colour="red")}]}
            ).encode(),
            422,
            "Parameters.parameter[0].resource.Patient.colour",
        ),
        (
            json.dumps(
                {
                    "resourceType": "Bundle",
                    "type": "collection",
                    "entry": [{"resource": an_observation("1", status="never")}],
                }
            ).encode(),
            422,
            "Bundle.entry[0].resource.status",
        ),
    ],
    ids=["nothing", "no JSON", "no element of R4", "inside input", "inside an entry"],
)
async def test_what_breaks_a_rule_is_refused_with_its_path(
    world: World, body: bytes, status: int, expression: str | None
) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/$convert", headers=hospital, content=body)

    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0].get("expression") == ([expression] if expression else None)
