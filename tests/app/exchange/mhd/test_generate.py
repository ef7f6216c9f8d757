"""ITI-106: a document is filed with what it says of itself. https://profiles.ihe.net/ITI/MHD/ITI-106.html."""

import base64
from typing import Any

import pytest

from app.audit.balp import Observer, audit_event
from fhir.documents.metadata.cda import NoDocument, cda_metadata, date_time
from tests.mhd import a_binary, a_fhir_document, a_site, uid
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

NUMBER = "urn:oid:1.2.392.100495.20.3.51.11"
LETTER = f"""<ClinicalDocument xmlns="urn:hl7-org:v3">
  <id root="1.2.392.1.{{number}}"/>
  <code code="57133-1" codeSystem="2.16.840.1.113883.6.1" displayName="Referral note"/>
  <title>紹介状</title>
  <effectiveTime value="20240501103000"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="ja-JP"/>
  <recordTarget><patientRole><id root="{NUMBER.removeprefix("urn:oid:")}" extension="1"/></patientRole></recordTarget>
  <author><assignedAuthor>
    <assignedPerson><name><family>佐藤</family><given>花子</given></name></assignedPerson>
    <representedOrganization><name>中央病院</name></representedOrganization>
  </assignedAuthor></author>
  {{more}}
</ClinicalDocument>"""


def a_letter(number: int = 1, more: str = "") -> bytes:
    return LETTER.format(number=number, more=more).encode()


def parameters(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "document", "resource": resource}]}


async def generate(world: World, caller: dict[str, str], resource: dict[str, Any]) -> dict[str, Any]:
    """Return the DocumentReference that was made of a document."""
    answer = await world.http.post(
        "/fhir/DocumentReference/$generate-metadata", headers=caller, json=parameters(resource)
    )
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()["parameter"]
    assert told["name"] == "DocumentReference"
    return dict((await world.http.get(told["valueReference"]["reference"], headers=caller)).json())


async def with_number(world: World) -> tuple[dict[str, str], str]:
    """Return a caller of a site and the id of its Patient of the number in `LETTER`."""
    return await a_site(world, identifier=[{"system": NUMBER, "value": "1"}])


async def test_cda_says_whose_what_and_by_whom_it_is(world: World) -> None:
    caller, patient = await with_number(world)
    before = len(await recorded(world))

    made = await generate(world, caller, a_binary(a_letter(), "text/xml"))

    assert made["subject"] == {"reference": f"Patient/{patient}"}
    assert made["masterIdentifier"]["value"] == "urn:oid:1.2.392.1.1"
    assert made["type"]["coding"][0]["code"] == made["category"][0]["coding"][0]["code"] == "57133-1"
    assert (made["date"], made["description"]) == ("2024-05-01T10:30:00+09:00", "紹介状")
    assert [one["resourceType"] for one in made["contained"]] == ["Patient", "Practitioner", "Organization"]
    assert made["contained"][1]["name"] == [{"family": "佐藤", "given": ["花子"]}]
    attachment = made["content"][0]["attachment"]
    assert (attachment["contentType"], attachment["language"], attachment["size"]) == (
        "text/xml",
        "ja-JP",
        len(a_letter()),
    )
    assert (await world.http.get(attachment["url"], headers=caller)).content == a_letter()
    assert await world.total(caller, "DocumentReference?author.family=佐藤") == 1
    told = [event for event in (await recorded(world))[before:] if event.interaction == "generate-metadata"]
    rendered = audit_event(told[0], id="1", observer=Observer("Device/hub", "http://hub"))
    assert [one["code"] for one in rendered["subtype"]] == ["ITI-106", "create"]


async def test_it_is_made_once_and_replaces_what_the_document_says(world: World) -> None:
    caller, _ = await with_number(world)
    first = await generate(world, caller, a_binary(a_letter(), "text/xml"))
    again = await generate(world, caller, a_binary(a_letter(), "text/xml"))
    more = (
        '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.392.1.1"/></parentDocument></relatedDocument>'
    )

    second = await generate(world, caller, a_binary(a_letter(2, more), "text/xml"))

    assert again["id"] == first["id"]
    assert second["relatesTo"] == [{"code": "replaces", "target": {"reference": f"DocumentReference/{first['id']}"}}]
    old = (await world.http.get(f"/fhir/DocumentReference/{first['id']}", headers=caller)).json()
    assert old["status"] == "superseded"


async def test_a_fhir_document_says_it_by_its_composition(world: World) -> None:
    caller, patient = await with_number(world)
    person = a_patient(identifier=[{"system": NUMBER, "value": "1"}])
    practitioner = {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]}
    author = [{"reference": uid(13)}]

    made = await generate(world, caller, a_fhir_document(person, practitioner, author=author, confidentiality="R"))

    assert made["subject"] == {"reference": f"Patient/{patient}"}
    assert made["masterIdentifier"]["value"] == uid(10)
    assert made["securityLabel"][0]["coding"][0]["code"] == "R"
    assert made["content"][0]["attachment"]["contentType"] == "application/fhir+json"
    assert made["content"][0]["attachment"]["url"].startswith("http://127.0.0.1:8080/fhir/Bundle/")
    assert await world.total(caller, f"Composition?patient={patient}") == 1


async def test_other_bytes_say_nothing_and_are_named_by_what_they_are(world: World) -> None:
    caller, _ = await with_number(world)

    made = await generate(world, caller, a_binary(b"Hello World"))
    again = await generate(world, caller, a_binary(b"Hello World"))

    assert made["id"] == again["id"]
    assert made["content"][0]["attachment"]["hash"] == "Ck1VqNd45QIvq3AZd8XYQLvEhtA="
    assert "subject" not in made


BOMB = b'<!DOCTYPE x [<!ENTITY a "a">]><ClinicalDocument xmlns="urn:hl7-org:v3">&a;</ClinicalDocument>'
CASES: dict[str, tuple[int, dict[str, Any]]] = {
    "not XML": (422, parameters(a_binary(b"<x", "text/xml"))),
    "another XML": (422, parameters(a_binary(b"<x/>", "text/xml"))),
    "entities": (422, parameters(a_binary(BOMB, "text/xml"))),
    "somebody else": (422, parameters(a_binary(a_letter().replace(b'extension="1"', b'extension="2"'), "text/xml"))),
    "no Composition": (400, parameters({"resourceType": "Bundle", "type": "document"})),
    "no document": (400, parameters(a_patient())),
    "a collection": (400, parameters({"resourceType": "Bundle", "type": "collection"})),
    "two": (400, {"resourceType": "Parameters", "parameter": parameters(a_binary())["parameter"] * 2}),
    "nothing": (400, {"resourceType": "Parameters"}),
    "no Parameters": (400, a_binary()),
}


async def test_what_is_no_document_is_refused_and_nothing_is_kept(world: World) -> None:
    caller, _ = await with_number(world)

    for name, (status, body) in CASES.items():
        answer = await world.http.post("/fhir/DocumentReference/$generate-metadata", headers=caller, json=body)
        assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome"), (name, answer.text)
    assert await world.total(caller, "Binary") == 0


async def test_the_scope_of_the_transaction_is_enough(world: World) -> None:
    await with_number(world)

    for scope, status in (("ITI-67", 403), ("ITI-106", 200)):
        answer = await world.http.post(
            "/fhir/DocumentReference/$generate-metadata",
            headers=await scoped(world, "hospital-a", scope),
            json=parameters(a_binary(a_letter(), "text/xml")),
        )
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024", "2024"),
        ("202405", "2024-05"),
        ("20240501", "2024-05-01"),
        ("202405011030", "2024-05-01T10:30:00+09:00"),
        ("20240501103059.5+0000", "2024-05-01T10:30:59+00:00"),
        ("May", ""),
    ],
)
def test_times_are_as_exact_as_they_are(text: str, date: str) -> None:
    assert date_time(text) == date


@pytest.mark.parametrize("cut", range(0, 700, 97))
def test_a_cut_document_is_none(cut: int) -> None:
    with pytest.raises(NoDocument):
        cda_metadata(a_letter()[:cut], "text/xml", "x")


def test_what_is_decoded_is_what_was_sent() -> None:
    assert base64.b64decode(a_binary(a_letter())["data"]) == a_letter()
