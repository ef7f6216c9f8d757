"""ITI-105: one DocumentReference that holds its document. https://profiles.ihe.net/ITI/MHD/ITI-105.html."""

import base64
from typing import Any

import pytest

from app.audit.balp import Observer, audit_event
from tests.mhd import LETTER, MHD, URI, a_site, a_submission, provided
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World

pytestmark = pytest.mark.anyio


def a_letter(patient: str, octets: bytes = LETTER, **fields: Any) -> dict[str, Any]:
    attachment = {"contentType": "text/plain", "data": base64.b64encode(octets).decode()}
    return {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{MHD}/IHE.MHD.SimplifiedPublish.DocumentReference"]},
        "masterIdentifier": {"system": URI, "value": "urn:oid:1.2.392.77"},
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": attachment}],
        **fields,
    }


async def test_the_bytes_are_kept_apart_and_what_was_sent_stays(world: World) -> None:
    caller, patient = await a_site(world)
    before = len(await recorded(world))

    answer = await world.http.post("/fhir/DocumentReference", headers=caller, json=a_letter(patient))

    assert answer.status_code == 201, answer.text
    kept = answer.json()
    attachment = kept["content"][0]["attachment"]
    assert (attachment["size"], attachment["hash"]) == (10, "1Gcg/jiqIrdsyYsIwYCvAIlbQas=")
    assert "data" not in attachment
    assert kept["meta"]["profile"] == [f"{MHD}/IHE.MHD.Minimal.DocumentReference"]
    assert (await world.http.get(attachment["url"], headers=caller)).content == LETTER
    place = f"/fhir/DocumentReference/{kept['id']}"
    assert answer.headers["location"].endswith(f"{place}/_history/1")
    assert (await world.http.get(f"{place}/$original", headers=caller)).json() == a_letter(patient)
    assert await world.total(caller, f"List?item=DocumentReference/{kept['id']}&code=submissionset") == 1
    told = [event for event in (await recorded(world))[before:] if event.interaction == "publish"]
    rendered = audit_event(told[0], id="1", observer=Observer("Device/hub", "http://hub"))
    assert [one["code"] for one in rendered["subtype"]] == ["ITI-105", "create"]
    assert told[0].patient == f"Patient/{patient}"


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "no patient": ("DocumentReference.subject", {"subject": None}),
    "no identifier": ("DocumentReference.masterIdentifier", {"masterIdentifier": None}),
    "an entry's identifier": ("DocumentReference.identifier", {"identifier": [{"value": "x"}]}),
    "superseded": ("DocumentReference.status", {"status": "superseded"}),
    "no bytes": (
        "DocumentReference.content[0].attachment.data",
        {"content": [{"attachment": {"contentType": "text/plain"}}]},
    ),
    "bytes elsewhere": (
        "DocumentReference.content[0].attachment.url",
        {"content": [{"attachment": {"contentType": "text/plain", "data": "eA==", "url": "http://10.0.0.1"}}]},
    ),
    "a wrong size": (
        "DocumentReference.content[0].attachment.size",
        {"content": [{"attachment": {"contentType": "text/plain", "data": "eA==", "size": 2}}]},
    ),
    "a docStatus": ("DocumentReference.docStatus", {"docStatus": "final"}),
    "a target that never was": (
        "DocumentReference.relatesTo[0].target",
        {"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/never"}}]},
    ),
}


async def test_what_breaks_a_rule_is_refused_with_its_place(world: World) -> None:
    caller, patient = await a_site(world)

    for name, (place, fields) in CASES.items():
        letter = {key: value for key, value in a_letter(patient, **fields).items() if value is not None}
        answer = await world.http.post("/fhir/DocumentReference", headers=caller, json=letter)

        assert answer.status_code == 422, (name, answer.text)
        assert place in [one for issue in answer.json()["issue"] for one in issue["expression"]], (name, answer.text)
    assert await world.total(caller, "Binary") == 0


async def test_it_replaces_and_is_not_published_twice(world: World) -> None:
    caller, patient = await a_site(world)
    old = (await provided(world, caller, a_submission(patient)))[1]
    letter = a_letter(patient, relatesTo=[{"code": "replaces", "target": {"reference": old}}])

    answers = [await world.http.post("/fhir/DocumentReference", headers=caller, json=letter) for _ in range(2)]
    other = await world.http.post("/fhir/DocumentReference", headers=caller, json=a_letter(patient, b"other"))

    assert [one.status_code for one in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert other.status_code == 409
    assert (await world.http.get(f"/fhir/{old}", headers=caller)).json()["status"] == "superseded"


async def test_the_scope_of_the_transaction_is_enough(world: World) -> None:
    _, patient = await a_site(world)

    answers = [
        await world.http.post(
            "/fhir/DocumentReference", headers=await scoped(world, "hospital-a", scope), json=a_letter(patient)
        )
        for scope in ("ITI-67", "ITI-105")
    ]

    assert [one.status_code for one in answers] == [403, 201], answers[1].text
