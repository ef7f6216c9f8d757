"""D2 to D7: nobody writes into the record of another, and what is written runs nowhere."""

import base64
import json
from typing import Any

import pytest

from tests.attacks.probe import (
    OWNER,
    PATIENT,
    PSYCHIATRY,
    SECRET,
    SEEN,
    STRANGER,
    put,
    reference,
    secrets,
    stock,
    tell,
)
from tests.identity import someone
from tests.portal import recorded, signed_in
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

NEVER = "hospital-a-never"


def a_document(patient: str, **fields: Any) -> dict[str, Any]:
    content = [{"attachment": {"contentType": "text/plain", "data": "eA=="}}]
    document = {"resourceType": "DocumentReference", "status": "current", "content": content, **fields}
    return {**document, "subject": reference(f"Patient/{patient}")}


@pytest.mark.parametrize("code", ["replaces", "appends", "transforms", "signs"])
async def test_d2_a_document_replaces_none_of_another_site(world: World, code: str) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await put(world, owner, a_document(PATIENT, id="hospital-a-shown"))
    await put(world, owner, a_document(PATIENT, id="hospital-a-closed", meta={"security": [PSYCHIATRY]}))
    await put(world, stranger, a_patient(id="clinic-c-own"))

    told = []
    for target in ("hospital-a-shown", "hospital-a-closed", "hospital-a-none"):
        relates = [{"code": code, "target": reference(f"DocumentReference/{target}")}]
        response = await world.http.post(
            "/fhir/DocumentReference", headers=stranger, json=a_document("clinic-c-own", relatesTo=relates)
        )
        made = {name: value for name, value in response.json().items() if name not in ("id", "meta")}
        told.append((response.status_code, json.dumps(made).replace(target, "")))
    replaced = await world.http.put(
        "/fhir/DocumentReference/hospital-a-shown",
        headers=stranger,
        json=a_document("clinic-c-own", id="hospital-a-shown", status="superseded"),
    )

    assert told[0] == told[1] == told[2]
    assert replaced.status_code == 403
    for target in ("hospital-a-shown", "hospital-a-closed"):
        kept = json.loads((await tell(world, owner, f"DocumentReference/{target}")).text)
        assert (kept["status"], kept["meta"]["versionId"]) == ("current", "1")


async def test_d3_a_client_testifies_of_no_record_but_its_own(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)
    who = {"agent": [{"who": {"display": "somebody"}}], "recorded": "2024-05-01T10:00:00+09:00"}
    asked = (f"Observation/{SEEN}", f"Observation/{SECRET}", f"Observation/{NEVER}")
    before = [(await tell(world, owner, f"Provenance?target={one}")).text for one in asked]

    told = []
    for target in asked:
        provenance = {"resourceType": "Provenance", "target": [reference(target)], **who}
        response = await world.http.post("/fhir/Provenance", headers=stranger, json=provenance)
        kept = {name: value for name, value in response.json().items() if name not in ("id", "meta")}
        told.append((response.status_code, json.dumps(kept).replace(target, "TARGET")))
    consent = await world.http.post("/fhir/Consent", headers=stranger, json=a_consent(PATIENT, STRANGER))

    # Of what is shown, of what is hidden and of what never was it is the stranger's own word, and nobody's record.
    assert told[0] == told[1] == told[2]
    assert [(await tell(world, owner, f"Provenance?target={one}")).text for one in asked] == before
    assert consent.status_code == 422


async def test_d5_a_look_alike_takes_no_record_and_leaves_a_trace(world: World) -> None:
    owner, stranger = await world.client(OWNER), await world.client(STRANGER)
    theirs = (await world.post(owner, someone(insurance="00012345:あいう:123:01")))["id"]
    asked = (f"Patient/{theirs}", f"Observation?patient={theirs}", "Patient?name=髙橋")
    before = [await tell(world, stranger, one) for one in asked[:2]]

    forged = (await world.post(stranger, someone(insurance="00012345:あいう:123:01")))["id"]
    linked = [await tell(world, stranger, one) for one in asked[:2]]
    deleted = await world.http.delete(f"/fhir/Patient/{forged}", headers=stranger)

    assert linked == before
    events = [one for one in await recorded(world) if one.interaction == "link"]
    assert {one.client for one in events} == {f"{STRANGER}-system"}
    assert {one.patient for one in events} == {f"Patient/{theirs}", f"Patient/{forged}"}
    assert deleted.status_code < 300
    kept = json.loads((await tell(world, owner, f"Patient/{theirs}")).text)
    assert kept["meta"]["versionId"] == "1"


HOSTILE = {
    "text/html": b"<html><script>alert(1)</script></html>",
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "application/xhtml+xml": b'<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    "text/xml": b'<?xml-stylesheet href="https://evil.example/a.xsl"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    "text/javascript": b"alert(1)",
    "text/html; charset=utf-7": b"+ADw-script+AD4-alert(1)",
    "TEXT/HTML": b"<script>alert(1)</script>",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_d7_what_is_sent_runs_in_no_browser(world: World, kind: str) -> None:
    own = await world.client(STRANGER)
    data = base64.b64encode(HOSTILE[kind]).decode()
    await put(world, own, a_patient(id="clinic-c-own"))
    await put(world, own, {"resourceType": "Binary", "id": "clinic-c-bytes", "contentType": kind, "data": data})
    attachment = {"contentType": kind, "data": data, "title": "<script>alert(1)</script>"}
    letter = a_document("clinic-c-own", id="clinic-c-letter", content=[{"attachment": attachment}])
    await put(world, own, letter)
    browser = await signed_in(world, STRANGER)

    for accept in ("text/html,*/*;q=0.8", kind, "*/*", "application/fhir+json"):
        for address in (
            "Binary/clinic-c-bytes",
            "Binary/clinic-c-bytes/$original",
            "DocumentReference/clinic-c-letter",
        ):
            answer = await browser.get(f"/fhir/{address}", headers={"accept": accept})
            assert answer.headers["content-type"].partition(";")[0] in ("application/fhir+json", "application/fhir+xml")
            assert answer.headers["x-content-type-options"] == "nosniff"
    file = await browser.get("/documents/DocumentReference/clinic-c-letter/content/0")
    page = await browser.get("/documents/DocumentReference/clinic-c-letter")
    assert (file.status_code, page.status_code) == (200, 200)
    assert file.headers["content-type"] == "application/octet-stream"
    how, _, named = file.headers["content-disposition"].partition("; ")
    assert how == "attachment"
    assert not set(named) & set("<>()")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in file.headers["content-security-policy"]
    assert "<script>alert" not in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"].partition("script-src")[2].partition(";")[0]


async def test_d7_a_narrative_that_acts_is_refused(world: World) -> None:
    own = await world.client(STRANGER)
    for inside in ("<script>alert(1)</script>", '<p onclick="alert(1)">a</p>', '<a href="javascript:alert(1)">a</a>'):
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'
        response = await world.http.post(
            "/fhir/Patient", headers=own, json=a_patient(text={"status": "generated", "div": div})
        )
        assert response.status_code == 422
        assert response.json()["issue"][0]["expression"] == ["Patient.text.div"]
