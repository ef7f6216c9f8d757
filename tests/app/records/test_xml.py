"""Resources in XML at the FHIR door: what is sent stays the record, what is answered is the JSON in another form."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml
from tests.portal import recorded
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

XML = {"Content-Type": "application/fhir+xml"}


def as_xml(resource: dict[str, Any]) -> bytes:
    """Return a resource as a sender with own habits would write it."""
    return (
        b"<?xml version='1.0'?>\n<!-- sent -->" + to_xml(json.dumps(resource).encode(), pretty=True).partition(b"?>")[2]
    )


def tree(answer: httpx.Response) -> dict[str, Any]:
    """Return the resource in an answer that is XML."""
    assert answer.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    return dict(json.loads(to_json(answer.content).body))


async def original(world: World, caller: dict[str, str], location: str) -> httpx.Response:
    return await world.http.get(f"{location.split('/_history')[0]}/$original", headers=caller)


async def test_a_resource_written_in_xml_is_read_in_both_forms_and_its_bytes_come_back(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = as_xml(a_patient(extension=[{"url": "http://example.org/x", "valueDecimal": 0}])).replace(
        b'valueDecimal value="0"', b'valueDecimal value="6.30"'
    )

    written = await world.http.post("/fhir/Patient", headers=hospital | XML, content=sent)
    address = written.headers["location"].split("/_history")[0]
    read = await world.http.get(address, headers=hospital)
    in_xml = await world.http.get(address, headers=hospital | {"Accept": "application/fhir+xml"})
    given_back = await original(world, hospital, address)

    assert written.status_code == 201, written.text
    assert read.json()["meta"]["versionId"] == "1"
    assert b'"valueDecimal":6.30' in read.content
    assert b'<valueDecimal value="6.30"/>' in in_xml.content
    assert tree(in_xml) == read.json()
    assert in_xml.headers["etag"] == 'W/"1"'
    assert (given_back.content, given_back.headers["content-type"]) == (sent, "application/fhir+xml")
    digest = base64.b64encode(hashlib.sha256(sent).digest()).decode()
    assert given_back.headers["repr-digest"] == f"sha-256=:{digest}:"


async def test_an_update_in_xml_is_found_by_search_and_keeps_both_originals(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient())
    sent = as_xml(made | {"gender": "female"})

    updated = await world.http.put(f"/fhir/Patient/{made['id']}", headers=hospital | XML, content=sent)
    second = await original(world, hospital, f"/fhir/Patient/{made['id']}")
    first = await world.http.get(f"/fhir/Patient/{made['id']}/_history/1/$original", headers=hospital)

    assert updated.status_code == 200, updated.text
    assert await world.total(hospital, "Patient?gender=female") == 1
    assert second.content == sent
    assert (first.headers["content-type"], first.json()["gender"]) == ("application/fhir+json", "male")


def _entry(resource: dict[str, Any], link: str) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": link, "resource": resource, "request": request}


LINK = "urn:uuid:00000000-0000-4000-8000-000000000001"
OTHER = "urn:uuid:00000000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_a_bundle_in_xml_is_carried_out_and_each_entry_keeps_its_bytes(world: World, kind: str) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient())
    entries = [_entry(a_patient(), LINK), _entry(an_observation(patient["id"]), OTHER)]
    sent = as_xml({"resourceType": "Bundle", "type": kind, "entry": entries})

    done = await world.http.post(
        "/fhir", headers=hospital | XML | {"Accept": "text/xml, application/json;q=0.5"}, content=sent
    )
    made = tree(done)
    back = await original(world, hospital, made["entry"][1]["response"]["location"])

    assert made["type"] == f"{kind}-response"
    assert [one["response"]["status"] for one in made["entry"]] == ["201", "201"]
    assert back.content in sent
    assert back.content.startswith(b"<Observation>")
    assert back.headers["content-type"] == "application/fhir+xml"


async def test_a_document_in_xml_is_kept_whole_and_taken_apart(world: World) -> None:
    hospital = await world.client("hospital-a")
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "紹介状"},
        "subject": {"reference": LINK},
        "date": "2024-05-01",
        "author": [{"reference": LINK}],
        "title": "紹介状",
    }
    document = {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:oid:1.2.3", "value": "1"},
        "timestamp": "2024-05-01T10:00:00+09:00",
        "entry": [{"fullUrl": OTHER, "resource": composition}, {"fullUrl": LINK, "resource": a_patient()}],
    }
    sent = as_xml(document)

    filed = await world.http.post("/fhir/Bundle", headers=hospital | XML, content=sent)
    found = await world.http.get("/fhir/Composition?_format=xml", headers=hospital)
    part = await original(world, hospital, f"/fhir/Composition/{tree(found)['entry'][0]['resource']['id']}")
    whole = await original(world, hospital, filed.headers["location"])

    assert filed.status_code == 201, filed.text
    assert tree(found)["total"] == 1
    assert whole.content == sent
    assert part.content in sent


@pytest.mark.parametrize(
    ("accept", "query", "answered"),
    [
        ("application/fhir+json", "", "json"),
        ("application/fhir+xml", "", "xml"),
        ("text/xml", "", "xml"),
        ("*/*", "", "json"),
        ("text/*", "", "json"),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.4", "", "xml"),
        ("application/fhir+xml;q=0.5, */*;q=0.6", "", "json"),
        ("application/fhir+json;q=0, */*", "", "xml"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "", "xml"),
        ("application/fhir+xml; fhirVersion=4.0", "", "xml"),
        ("application/fhir+xml; fhirVersion=5.0, application/fhir+json", "", "json"),
        ("application/fhir+json", "_format=xml", "xml"),
        ("text/turtle", "_format=json", "json"),
        ("application/fhir+json", "_format=application/fhir%2Bxml", "xml"),
        ("application/fhir+json", "_format=application/fhir+xml", "xml"),
        ("application/fhir+xml", "_format=text/json", "json"),
        ("text/turtle", "", None),
        ("application/fhir+xml;q=0", "", None),
        ("application/fhir+json; fhirVersion=3.0", "", None),
        ("application/fhir+json", "_format=ttl", None),
        ("nonsense,;;q=x", "", None),
    ],
)
async def test_the_format_is_what_the_caller_accepts(
    world: World, accept: str, query: str, answered: str | None
) -> None:
    hospital = await world.client("hospital-a") | {"Accept": accept}

    answers = [
        await world.http.get(f"/fhir/{address}?{query}", headers=hospital)
        for address in ("Patient", "Patient/x", "metadata")
    ]

    kinds = [one.headers["content-type"].partition(";")[0] for one in answers]
    if answered is None:
        assert [one.status_code for one in answers] == [406, 406, 406]
        assert set(kinds) == {"application/fhir+json"}
    else:
        assert [one.status_code for one in answers] == [200, 404, 200]
        assert set(kinds) == {f"application/fhir+{answered}"}


async def test_whoever_is_not_known_is_told_so_in_the_format_asked_for(world: World) -> None:
    refused = await world.http.get("/fhir/Patient/x?_format=xml")

    assert refused.status_code == 401
    assert tree(refused)["issue"][0]["code"] == "login"


async def test_an_answer_is_written_for_people(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient())
    address = f"/fhir/Patient/{patient['id']}"

    in_json = await world.http.get(f"{address}?_pretty=true", headers=hospital)
    in_xml = await world.http.get(f"{address}?_pretty=true&_format=xml", headers=hospital)
    dense = await world.http.get(f"{address}?_pretty=false", headers=hospital)

    assert '\n  "id": ' in in_json.text
    assert in_json.json() == patient == tree(in_xml)
    assert '\n  <id value="' in in_xml.text
    assert "\n" not in dense.text


async def test_a_search_by_form_says_its_format_in_the_form(world: World) -> None:
    hospital = await world.client("hospital-a")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    found = await world.http.post("/fhir/Patient/_search", headers=hospital | form, content=b"_format=xml")
    refused = await world.http.post("/fhir/Patient/_search", headers=hospital | form, content=b"_format=ttl")

    assert tree(found)["type"] == "searchset"
    assert refused.status_code == 406


@pytest.mark.parametrize(
    ("headers", "body", "status", "expression"),
    [
        (XML, b"<Patient>", 400, "Patient"),
        (XML, b'{"resourceType":"Patient"}', 400, None),
        (XML, b'<Patient xmlns="http://hl7.org/fhir"><colour value="red"/></Patient>', 400, "Patient.colour"),
        (XML, b'<Patient xmlns="http://hl7.org/fhir"><gender value="x"/></Patient>', 422, "Patient.gender"),
        (XML, b'<Group xmlns="http://hl7.org/fhir"><id value="x"/></Group>', 400, "resourceType"),
        (XML, b"<!DOCTYPE a []><Patient/>", 400, None),
        ({"Content-Type": "application/fhir+xml; charset=shift_jis"}, b"<Patient/>", 415, None),
        ({"Content-Type": "application/fhir+xml; fhirVersion=3.0"}, b"<Patient/>", 415, None),
        ({"Content-Type": "application/xhtml+xml"}, b"<Patient/>", 415, None),
    ],
)
async def test_a_body_that_is_not_the_xml_of_a_resource_is_refused_in_xml(
    world: World, headers: dict[str, str], body: bytes, status: int, expression: str | None
) -> None:
    hospital = await world.client("hospital-a") | headers | {"Accept": "application/fhir+xml"}

    refused = await world.http.post("/fhir/Patient", headers=hospital, content=body)

    issue = tree(refused)["issue"][0]
    assert refused.status_code == status
    assert issue.get("expression", [None])[0] == expression


async def test_a_write_is_refused_before_it_is_done_when_its_answer_could_not_be_written(world: World) -> None:
    hospital = await world.client("hospital-a")

    refused = await world.http.post("/fhir/Patient", headers=hospital | {"Accept": "text/turtle"}, json=a_patient())

    assert refused.status_code == 406
    assert await world.total(hospital, "Patient") == 0


async def test_what_xml_cannot_hold_can_be_had_as_json_alone(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = {"resourceType": "Basic", "code": {"text": "\ufffe"}}
    stored = await world.post(hospital, made)

    read = await world.http.get(f"/fhir/Basic/{stored['id']}", headers=hospital)
    refused = await world.http.get(f"/fhir/Basic/{stored['id']}?_format=xml", headers=hospital)

    assert read.json()["code"]["text"] == "\ufffe"
    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (406, ["Basic.code.text"])


async def test_what_a_bundle_holds_unchecked_cannot_break_out_of_its_xml(world: World) -> None:
    hospital = await world.client("hospital-a")
    # What a searchset holds is nobody's to carry out, so its entries are not checked.
    entry = {"resource": {"resourceType": "Basic", "text": {"div": "</div><evil/>"}}, "search": {"mode": "match"}}
    stored = await world.post(hospital, {"resourceType": "Bundle", "type": "searchset", "entry": [entry]})

    refused = await world.http.get(f"/fhir/Bundle/{stored['id']}?_format=xml", headers=hospital)

    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (406, ["Bundle.entry.resource.text.div"])


@pytest.mark.parametrize("by", ["read", "search", "form"])
async def test_what_xml_cannot_hold_does_not_leave_and_is_not_on_record_as_disclosed(world: World, by: str) -> None:
    hospital = await world.client("hospital-a") | {"Accept": "application/fhir+xml"}
    body = json.dumps(a_patient(name=[{"text": "a\ufffeb"}])).encode()
    made = await world.http.post("/fhir/Patient", headers=hospital | {"Accept": "application/fhir+json"}, content=body)
    address = f"/fhir/Patient/{made.json()['id']}"

    if by == "form":
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await world.http.post("/fhir/Patient/_search", headers=hospital | form, content=b"_format=xml")
    else:
        refused = await world.http.get(address if by == "read" else "/fhir/Patient", headers=hospital)

    assert made.status_code == 201
    assert refused.status_code == 406
    last = [one for one in await recorded(world) if one.outcome_desc == "406"]
    assert [(one.patient, one.entities) for one in last] == [(None, ())]
    assert [one for one in await recorded(world) if one.action in "RE" and one.patient] == []
