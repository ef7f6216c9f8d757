"""FHIR documents by ITI-65: which version of one holds, and by which DocumentReference it does."""

from typing import Any

import pytest

from app.settings import Settings
from tests.documents import NUMBER
from tests.mhd import a_bundle, a_document, a_fhir_document, a_set, a_site, an_attachment, an_entry, provided, uid
from tests.world import World, a_consent, a_patient, running

pytestmark = pytest.mark.anyio

Caller = dict[str, str]

PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
EARLY, LATE = "2024-05-01T10:00:00+09:00", "2024-06-01T10:00:00+09:00"


def providing(
    patient: str, number: str, disease: str, made: str = EARLY, *, replaces: tuple[str, ...] = (), key: int = 10
) -> dict[str, Any]:
    """Return a Bundle that provides a document of one disease."""
    condition = {"resourceType": "Condition", "subject": {"reference": uid(12)}, "code": {"text": disease}}
    kept = {"contentType": "application/fhir+json"}
    attachment = {name: one for name, one in an_attachment(**kept).items() if name not in ("size", "hash")}
    document = a_document(
        patient,
        number,
        content=[{"attachment": attachment, "format": {"code": "x"}}],
        relatesTo=[{"code": "replaces", "target": {"reference": one}} for one in replaces],
    )
    if not replaces:
        del document["relatesTo"]
    bundle = a_fhir_document(
        a_patient(identifier=[NUMBER]), condition, section=[{"title": "病名", "entry": [{"reference": uid(13)}]}]
    )
    bundle["timestamp"] = made
    bundle["identifier"]["value"] = uid(key)
    return a_bundle(an_entry(1, a_set(patient, number)), an_entry(2, document), an_entry(3, bundle, url="Bundle"))


async def diseases(world: World, caller: Caller) -> list[str]:
    found = (await world.http.get("/fhir/Condition", headers=caller)).json().get("entry", ())
    return sorted(one["resource"]["code"]["text"] for one in found)


async def shown(world: World, caller: Caller, place: str) -> str:
    """Return the disease that the document says to which a DocumentReference leads."""
    reference = (await world.http.get(f"/fhir/{place}", headers=caller)).json()
    assert reference["status"] == "current"
    bundle = (await world.http.get(reference["content"][0]["attachment"]["url"], headers=caller)).json()
    return str(bundle["entry"][2]["resource"]["code"]["text"])


async def supersede(world: World, caller: Caller, *places: str) -> int:
    """Set DocumentReferences to superseded at once, and return the status."""
    parameters = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parameters}]}
    entries = [{"resource": patch, "request": {"method": "PATCH", "url": place}} for place in places]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return (await world.http.post("/fhir", headers=caller, json=bundle)).status_code


@pytest.mark.parametrize(
    ("disease", "made"),
    [("肺炎", EARLY), ("気管支炎", EARLY), ("気管支炎", "2024-04-01T10:00:00+09:00"), ("気管支炎", LATE)],
    ids=["the same document", "of the same instant", "made before it", "made after it"],
)
async def test_what_replaces_a_document_holds_whenever_it_was_made(world: World, disease: str, made: str) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    old = (await provided(world, caller, providing(patient, "1", "肺炎")))[1]

    new = (await provided(world, caller, providing(patient, "2", disease, made, replaces=(old,))))[1]

    assert await shown(world, caller, new) == disease
    assert await diseases(world, caller) == [disease]
    assert await world.total(caller, f"Provenance?target=Patient/{patient}") == 0
    (origin,) = (await world.http.get("/fhir/Provenance", headers=caller)).json()["entry"]
    assert origin["resource"]["entity"][0]["what"]["reference"] == new
    assert await supersede(world, caller, new) == 200
    assert await diseases(world, caller) == []


async def test_a_version_may_come_back(world: World) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    first = (await provided(world, caller, providing(patient, "1", "肺炎")))[1]
    second = (await provided(world, caller, providing(patient, "2", "気管支炎", LATE, replaces=(first,))))[1]

    third = (await provided(world, caller, providing(patient, "3", "肺炎", replaces=(second,))))[1]

    assert await shown(world, caller, third) == "肺炎"
    assert await diseases(world, caller) == ["肺炎"]


@pytest.mark.parametrize("first", ["new", "late"])
async def test_a_late_version_that_replaces_nothing_is_history_and_so_described(world: World, first: str) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    new = (await provided(world, caller, providing(patient, "1", "気管支炎", LATE)))[1]
    late = (await provided(world, caller, providing(patient, "2", "肺炎")))[1]
    told = [await shown(world, caller, one) for one in (new, late)]
    states = [await diseases(world, caller)]

    for one in (new, late) if first == "new" else (late, new):
        assert await supersede(world, caller, one) == 200
        states.append(await diseases(world, caller))

    assert told == ["気管支炎", "肺炎"]
    assert states == [["気管支炎"], [] if first == "new" else ["気管支炎"], []]


async def test_a_newer_version_is_withdrawn_though_the_one_before_is_described(world: World) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    await provided(world, caller, providing(patient, "1", "肺炎"))
    newer = (await provided(world, caller, providing(patient, "2", "気管支炎", LATE)))[1]

    assert await supersede(world, caller, newer) == 200

    assert await diseases(world, caller) == []


@pytest.mark.parametrize("door", ["supersede", "delete"])
async def test_a_document_holds_until_the_last_that_describes_it_goes(world: World, door: str) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    places = [(await provided(world, caller, providing(patient, number, "肺炎")))[1] for number in ("1", "2", "3")]
    counts = []

    for place in places:
        if door == "supersede":
            assert await supersede(world, caller, place) == 200
        else:
            assert (await world.http.delete(f"/fhir/{place}", headers=caller)).status_code == 204
        counts.append((await diseases(world, caller), await world.total(caller, "Provenance")))

    assert counts == [(["肺炎"], 1), (["肺炎"], 1), ([], 0)]


async def test_two_documents_of_one_fact_that_end_at_once_take_it_along(world: World) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    places = [
        (await provided(world, caller, providing(patient, number, "肺炎", made, key=key)))[1]
        for number, made, key in (("1", EARLY, 31), ("2", LATE, 32))
    ]
    assert await diseases(world, caller) == ["肺炎"]

    assert await supersede(world, caller, *places) == 200

    assert await diseases(world, caller) == []


@pytest.mark.parametrize("of", ["the first", "the second description"])
async def test_a_label_of_a_document_closes_what_describes_it(world: World, of: str) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    await world.post(caller, a_consent(patient, "clinic-c"))
    clinic = await world.client("clinic-c")
    places = []
    for number in ("1",) if of == "the first" else ("1", "2"):
        bundle = providing(patient, number, "うつ病")
        bundle["entry"][2]["resource"]["meta"] = {"security": [PSYCHIATRY]}
        places += (await provided(world, caller, bundle))[1:]

    told = [(await world.http.get(f"/fhir/{one}", headers=clinic)).status_code for one in places]

    assert told == [404] * len(places)
    assert await world.total(clinic, "DocumentReference") == 0


@pytest.mark.parametrize("labelled", ["document", "fact"])
async def test_the_bytes_of_a_labelled_document_are_as_closed_as_it(settings: Settings, labelled: str) -> None:
    async with running(settings.model_copy(update={"mhd_serialised": True})) as world:
        caller, patient = await a_site(world, identifier=[NUMBER])
        await world.post(caller, a_consent(patient, "clinic-c"))
        clinic = await world.client("clinic-c")
        bundle = providing(patient, "1", "うつ病")
        kept = bundle["entry"][2]["resource"]
        (kept if labelled == "document" else kept["entry"][2]["resource"])["meta"] = {"security": [PSYCHIATRY]}
        place = (await provided(world, caller, bundle))[1]

        (entry,) = (await world.http.get(f"/fhir/DocumentReference?relatesto={place}", headers=caller)).json()["entry"]
        url = entry["resource"]["content"][0]["attachment"]["url"]

        assert (await world.http.get(url, headers=caller)).status_code == 200
        assert (await world.http.get(url, headers=clinic)).status_code == 404


async def test_what_a_sender_says_of_a_document_stays_when_its_next_version_comes_alone(world: World) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    _, described, bundle = await provided(world, caller, providing(patient, "1", "肺炎"))
    told = (await world.http.get(f"/fhir/{described}", headers=caller)).json()
    states = []

    for made, disease in ((LATE, "気管支炎"), ("2099-01-01T10:00:00+09:00", "喘息")):
        sent = providing(patient, "1", disease, made)["entry"][2]["resource"]
        answer = await world.http.post("/fhir/Bundle", headers=caller, json=sent)
        assert (answer.status_code, answer.json()["id"]) == (201, bundle.partition("/")[2])
        states.append((await diseases(world, caller), await world.total(caller, "DocumentReference?status=current")))
        kept = (await world.http.get(f"/fhir/{described}", headers=caller)).json()
        assert kept == told
        assert await supersede(world, caller, described) == 200
        told = (await world.http.get(f"/fhir/{described}", headers=caller)).json()

    assert states == [(["気管支炎"], 1), (["喘息"], 1)]
    assert await diseases(world, caller) == ["喘息"]


async def test_a_bundle_that_is_sent_again_after_its_next_version_makes_nothing_new(world: World) -> None:
    caller, patient = await a_site(world, identifier=[NUMBER])
    first = providing(patient, "1", "肺炎")
    places = await provided(world, caller, first)
    await provided(world, caller, providing(patient, "2", "気管支炎", LATE, replaces=(places[1],)))

    assert await provided(world, caller, first) == places
    assert await diseases(world, caller) == ["気管支炎"]


@pytest.mark.parametrize("labelled", ["DocumentReference", "Condition", "Bundle"])
async def test_a_label_that_is_given_later_closes_the_bytes_of_a_document(settings: Settings, labelled: str) -> None:
    async with running(settings.model_copy(update={"mhd_serialised": True})) as world:
        caller, patient = await a_site(world, identifier=[NUMBER])
        await world.post(caller, a_consent(patient, "clinic-c"))
        clinic = await world.client("clinic-c")
        _, described, bundle = await provided(world, caller, providing(patient, "1", "うつ病"))
        found = (await world.http.get(f"/fhir/DocumentReference?relatesto={described}", headers=caller)).json()
        url = found["entry"][0]["resource"]["content"][0]["attachment"]["url"]
        disease = (await world.http.get("/fhir/Condition", headers=caller)).json()["entry"][0]["resource"]["id"]
        place = {"DocumentReference": described, "Bundle": bundle, "Condition": f"Condition/{disease}"}[labelled]
        before = (await world.http.get(url, headers=clinic)).status_code
        meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSYCHIATRY]}}]}

        answer = await world.http.post(f"/fhir/{place}/$meta-add", headers=caller, json=meta)

        assert (before, answer.status_code) == (200, 200)
        assert (await world.http.get(url, headers=clinic)).status_code == 404
        assert (await world.http.get(url, headers=caller)).status_code == 200
