"""ITI-68: a document's bytes at the address that its DocumentReference says. https://profiles.ihe.net/ITI/MHD/ITI-68.html."""

from typing import Any

import pytest

from app.audit.balp import Observer, audit_event
from app.exchange.mhd.retrieve import is_raw
from fhir.errors import NotAcceptable
from tests.mhd import LETTER, a_submission, document, provided
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("accept", "content_type", "raw"),
    [
        ("", "text/plain", True),
        ("*/*", "application/pdf", True),
        ("application/pdf", "application/pdf", True),
        ("text/*", "text/plain", True),
        ("text/*", "application/pdf", None),
        ("image/png", "application/pdf", None),
        ("application/fhir+json", "application/pdf", False),
        ("application/fhir+xml", "application/fhir+xml", False),
        ("text/xml", "text/xml", True),
        ("application/xml", "text/xml", False),
        ("application/json", "text/plain", False),
        ("application/pdf;q=0.1, application/fhir+json", "application/pdf", False),
        ("application/pdf;q=0", "application/pdf", None),
        ("*/*;q=0.1, application/fhir+json;q=0.05", "application/pdf", True),
    ],
)
def test_the_bytes_are_given_unless_fhir_is_asked_for(accept: str, content_type: str, raw: bool | None) -> None:
    if raw is None:
        with pytest.raises(NotAcceptable):
            is_raw(accept.encode(), content_type)
    else:
        assert is_raw(accept.encode(), content_type) is raw


async def a_letter(world: World, **fields: Any) -> tuple[dict[str, str], str, str]:
    """Provide a document; return its site's caller, the Patient's id and where the bytes are."""
    caller = await world.client("hospital-a")
    patient = (await world.post(caller, a_patient()))["id"]
    places = await provided(world, caller, a_submission(patient, **fields))
    return caller, patient, places[2]


async def test_it_is_offered_as_a_file_that_runs_nowhere(world: World) -> None:
    caller, _, place = await a_letter(world)

    answer = await world.http.get(f"/fhir/{place}", headers=caller)
    known = await world.http.get(f"/fhir/{place}", headers={**caller, "if-none-match": answer.headers["etag"]})
    other = await world.http.get(f"/fhir/{place}", headers={**caller, "accept": "image/png"})
    head = await world.http.head(f"/fhir/{place}", headers=caller)

    assert (answer.status_code, answer.content) == (200, LETTER)
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert (known.status_code, known.content) == (304, b"")
    assert other.status_code == 406
    assert (head.status_code, head.content) == (200, b"")


async def test_fhir_is_had_by_accept_and_by_format(world: World) -> None:
    caller, _, place = await a_letter(world)

    by_header = await world.http.get(f"/fhir/{place}", headers={**caller, "accept": "application/fhir+json"})
    by_format = await world.http.get(f"/fhir/{place}?_format=xml", headers=caller)

    assert by_header.json()["contentType"] == "text/plain"
    assert "<Binary xmlns" in by_format.text


async def test_b1_b2_no_address_opens_what_its_document_does_not(world: World) -> None:
    _, patient, place = await a_letter(world)
    clinic = await world.client("clinic-c")
    never = f"Binary/{place.rpartition('/')[2][:-1]}z"
    before = [await world.http.get(f"/fhir/{one}", headers=clinic) for one in (place, never)]
    owner = await world.client("hospital-a")
    await world.post(owner, a_consent(patient, "clinic-c"))

    opened = await world.http.get(f"/fhir/{place}", headers=clinic)
    altered = [
        await world.http.get(f"/fhir/{place}{one}", headers=clinic)
        for one in ("/../x", "%2e%2e", "/_history/2", "?x=/etc/passwd", "%00")
    ]

    assert [one.status_code for one in before] == [404, 404]
    assert before[0].json()["issue"][0]["diagnostics"].replace(place, "") == (
        before[1].json()["issue"][0]["diagnostics"].replace(never, "")
    )
    assert (opened.status_code, opened.content) == (200, LETTER)
    assert {one.status_code for one in altered} <= {200, 400, 404}
    assert all(one.content == LETTER for one in altered if one.status_code == 200)


async def test_a_label_of_the_document_closes_its_bytes(world: World) -> None:
    psychiatry = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    caller, patient, place = await a_letter(world, meta={"security": [psychiatry]})
    await world.post(caller, a_consent(patient, "clinic-c"))

    answer = await world.http.get(f"/fhir/{place}", headers=await world.client("clinic-c"))

    assert answer.status_code == 404


async def test_what_was_deleted_is_gone(world: World) -> None:
    caller, _, place = await a_letter(world)
    await world.http.delete(f"/fhir/{place}", headers=caller)

    assert (await world.http.get(f"/fhir/{place}", headers=caller)).status_code == 410


async def test_it_is_on_record_for_the_patient(world: World) -> None:
    caller, patient, place = await a_letter(world)
    before = len(await recorded(world))

    await world.http.get(f"/fhir/{place}", headers=caller)

    (event,) = (await recorded(world))[before:]
    assert event.patient == f"Patient/{patient}"
    rendered = audit_event(event, id="1", observer=Observer("Device/hub", "http://hub"))
    assert [one["code"] for one in rendered["subtype"]] == ["ITI-68", "read"]


async def test_the_scopes_of_the_transactions_are_enough(world: World) -> None:
    caller, patient, place = await a_letter(world)
    number = "urn:oid:1.2.392.100495.20.3.51.11"
    read = (await world.http.get(f"/fhir/Patient/{patient}", headers=caller)).json()
    read["identifier"] = [{"system": number, "value": "1"}]
    await world.http.put(f"/fhir/Patient/{patient}", headers=caller, json=read)
    headers = await scoped(world, "hospital-a", "ITI-67 ITI-68")

    found = await world.total(headers, f"DocumentReference?patient.identifier={number}|1&status=current")
    answer = await world.http.get(f"/fhir/{place}", headers=headers)
    other = await world.http.get(f"/fhir/{place}", headers=await scoped(world, "hospital-a", "ITI-67"))

    assert (found, answer.content, other.status_code) == (1, LETTER, 403)


@pytest.mark.parametrize("kind", ["text/html\r\nx: y", "text/html; charset=日本", " ", "x" * 300])
async def test_no_media_type_breaks_a_header(world: World, kind: str) -> None:
    caller = await world.client("hospital-a")
    body = {"resourceType": "Binary", "contentType": kind, "data": "eA=="}
    stored = await world.http.post("/fhir/Binary", headers=caller, json=body)

    if stored.status_code == 201:
        answer = await world.http.get(f"/fhir/Binary/{stored.json()['id']}", headers=caller)
        assert (answer.status_code, "x" in answer.headers) == (200, False)
        assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_document_made_on_demand_is_made_anew_when_it_is_retrieved(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = (await world.post(caller, a_patient()))["id"]
    url = f"http://127.0.0.1:8080/fhir/Patient/{patient}/$summary"
    kind = {"coding": [{"system": "http://loinc.org", "code": "60591-5"}]}
    bundle = a_submission(patient, type=kind)
    del bundle["entry"][2]
    document(bundle)["content"][0]["attachment"] = {
        "contentType": "application/fhir+json",
        "language": "ja",
        "creation": "2024-05-01",
        "url": url,
    }

    _, place = await provided(world, caller, bundle)
    before = (await world.http.get(url, headers=caller)).json()
    await world.post(caller, an_observation(patient))
    after = (await world.http.get(url, headers=caller)).json()

    kept = (await world.http.get(f"/fhir/{place}", headers=caller)).json()
    assert kept["content"][0]["attachment"]["url"] == url
    assert (before["type"], after["type"]) == ("document", "document")
    assert len(after["entry"]) == len(before["entry"]) + 1
    for fields in ({"size": 1}, {"hash": "eA=="}, {"url": url.replace(patient, "other")}):
        document(bundle)["content"][0]["attachment"] |= fields
        refused = await world.http.post("/fhir", headers=caller, json=bundle)
        assert refused.status_code == 422
