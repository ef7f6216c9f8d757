"""ITI-65: documents are provided as a whole or not at all. https://profiles.ihe.net/ITI/MHD/ITI-65.html."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.audit.balp import Observer, audit_event
from app.settings import Settings
from fhir.xml.to_xml import to_xml
from tests.app.records.test_later import answered, begin
from tests.mhd import (
    LETTER,
    MHD,
    URI,
    a_binary,
    a_bundle,
    a_document,
    a_fhir_document,
    a_folder,
    a_set,
    a_site,
    a_submission,
    an_attachment,
    an_entry,
    attachment,
    document,
    provided,
    submission_set,
    uid,
)
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, running

pytestmark = pytest.mark.anyio

Bundle = dict[str, Any]
Change = Callable[[Bundle], object]


async def read(world: World, caller: dict[str, str], place: str) -> dict[str, Any]:
    answer = await world.http.get(f"/fhir/{place}", headers={**caller, "accept": "application/fhir+json"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_document_is_kept_and_leads_to_its_bytes(world: World) -> None:
    caller, patient = await a_site(world)

    answer = await world.http.post("/fhir", headers=caller, json=a_submission(patient))

    told = answer.json()
    assert (answer.status_code, told["type"]) == (200, "transaction-response")
    assert [entry["response"]["status"] for entry in told["entry"]] == ["201", "201", "201"]
    places = [entry["response"]["location"].split("/fhir/")[1].partition("/_history")[0] for entry in told["entry"]]
    assert [place.partition("/")[0] for place in places] == ["List", "DocumentReference", "Binary"]
    kept = await read(world, caller, places[1])
    assert kept["content"][0]["attachment"]["url"] == f"http://127.0.0.1:8080/fhir/{places[2]}"
    assert (await read(world, caller, places[0]))["entry"] == [{"item": {"reference": places[1]}}]
    assert (await read(world, caller, places[2]))["securityContext"] == {"reference": places[1]}
    sent = await world.http.get(f"/fhir/{places[2]}/$original", headers=caller)
    assert sent.json() == a_binary()


def remove(path: str) -> Change:
    """Return what removes an element of the DocumentReference."""

    def change(bundle: Bundle) -> None:
        *steps, name = path.split(".")
        node = document(bundle)
        for step in steps:
            node = node[step][0] if isinstance(node[step], list) else node[step]
        del node[name]

    return change


def merge(find: Callable[[Bundle], dict[str, Any]], **fields: Any) -> Change:
    """Return what sets elements."""
    return lambda bundle: find(bundle).update(fields)


def add(entry: Bundle) -> Change:
    return lambda bundle: bundle["entry"].append(entry)


def without_extension(name: str) -> Change:
    def change(bundle: Bundle) -> None:
        found = submission_set(bundle)
        found["extension"] = [one for one in found["extension"] if not one["url"].endswith(name)]

    return change


ENTRY = "Bundle.entry[1].resource"
CASES: dict[str, tuple[str, int, str, Change]] = {
    # Slices
    "another type": ("Minimal", 400, "Bundle.entry[3]", add(an_entry(9, {"resourceType": "Basic", "code": {}}))),
    "no submission set": ("Minimal", 400, "Bundle.entry", lambda bundle: bundle["entry"].pop(0)),
    "two submission sets": (
        "Minimal",
        400,
        "Bundle.entry[3]",
        lambda bundle: bundle["entry"].append(bundle["entry"][0]),
    ),
    "a document that is put": (
        *("Minimal", 400, "Bundle.entry[1].request.method"),
        lambda bundle: bundle["entry"][1]["request"].update(method="PUT", url="DocumentReference/x"),
    ),
    "a deletion": (
        *("Minimal", 400, "Bundle.entry[3].request.method"),
        add(an_entry(9, a_binary(), "DELETE", "Binary/x")),
    ),
    "a list of another kind": (
        *("Minimal", 400, "Bundle.entry[0]"),
        merge(submission_set, code={"coding": [{"system": "http://loinc.org", "code": "x"}]}),
    ),
    "a patch of something else": (
        *("Minimal", 400, "Bundle.entry[3]"),
        add(
            an_entry(
                9,
                {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "path"}]}]},
                *("PATCH", "DocumentReference/x"),
            )
        ),
    ),
    "two levels": (
        *("Minimal", 400, "Bundle.meta.profile"),
        lambda bundle: bundle["meta"]["profile"].append(f"{MHD}/IHE.MHD.Comprehensive.ProvideBundle"),
    ),
    # Metadata
    **{
        f"no {path}": ("Comprehensive", 422, f"{ENTRY}.{path}", remove(path))
        for path in (
            *("type", "category", "subject", "securityLabel", "content.attachment.language"),
            *("content.attachment.creation", "content.format", "context.facilityType", "context.practiceSetting"),
        )
    },
    "no source patient": (
        *("UnContained.Comprehensive", 422, f"{ENTRY}.context.sourcePatientInfo"),
        lambda bundle: (document(bundle)["contained"].pop(0), remove("context.sourcePatientInfo")(bundle)),
    ),
    "no master identifier": (
        *("Minimal", 422, f"{ENTRY}.masterIdentifier.system"),
        lambda bundle: document(bundle).pop("masterIdentifier"),
    ),
    "no content type": (
        "Minimal",
        422,
        f"{ENTRY}.content.attachment.contentType",
        remove("content.attachment.contentType"),
    ),
    "a docStatus": ("Minimal", 422, f"{ENTRY}.docStatus", merge(document, docStatus="final")),
    "data in the attachment": ("Minimal", 422, f"{ENTRY}.content.attachment.data", merge(attachment, data="eA==")),
    "entered in error": ("Minimal", 422, f"{ENTRY}.status", merge(document, status="entered-in-error")),
    "no URN": (
        *("Minimal", 422, f"{ENTRY}.masterIdentifier.value"),
        merge(document, masterIdentifier={"system": URI, "value": "letter-1"}),
    ),
    "no UUID": (
        *("Minimal", 422, f"{ENTRY}.identifier[0].value"),
        merge(document, identifier=[{"use": "official", "system": URI, "value": "urn:uuid:1"}]),
    ),
    "an author elsewhere": (
        "Comprehensive",
        422,
        f"{ENTRY}.author",
        lambda bundle: document(bundle)["author"].append({"reference": "Practitioner/x"}),
    ),
    "no source id": ("Minimal", 422, "Bundle.entry[0].resource.extension", without_extension("sourceId")),
    "no designation": (
        "Comprehensive",
        422,
        "Bundle.entry[0].resource.extension",
        without_extension("designationType"),
    ),
    "a retired set": ("Minimal", 422, "Bundle.entry[0].resource.status", merge(submission_set, status="retired")),
    "a set of a visit": (
        *("Minimal", 422, "Bundle.entry[0].resource.encounter"),
        merge(submission_set, encounter={"display": "x"}),
    ),
    "a document outside of the set": (
        *("Minimal", 422, "Bundle.entry[1].fullUrl"),
        merge(submission_set, entry=[{"item": {"reference": "DocumentReference/x"}}]),
    ),
    "one identifier twice": (
        *("Minimal", 422, "Bundle.entry[3].resource.masterIdentifier.value"),
        lambda bundle: bundle["entry"].append(
            an_entry(8, {**document(bundle), "content": [{"attachment": an_attachment(url=uid(7))}]})
        ),
    ),
    # Bytes
    "a wrong size": ("Minimal", 422, f"{ENTRY}.content[0].attachment.size", merge(attachment, size=1)),
    "a wrong hash": (
        "Minimal",
        422,
        f"{ENTRY}.content[0].attachment.hash",
        merge(attachment, hash="2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
    ),
    "another content type": (
        *("Minimal", 422, f"{ENTRY}.content[0].attachment.contentType"),
        merge(attachment, contentType="text/html"),
    ),
    "bytes nowhere": ("Minimal", 422, f"{ENTRY}.content[0].attachment.url", merge(attachment, url=uid(99))),
    "bytes elsewhere": (
        "Minimal",
        422,
        f"{ENTRY}.content[0].attachment.url",
        merge(attachment, url="http://10.0.0.1/x"),
    ),
    "bytes of nobody": ("Minimal", 422, "Bundle.entry[3].fullUrl", add(an_entry(9, a_binary()))),
    # Patients and parties
    "another subject": (
        *("Minimal", 422, "Bundle.entry[1].resource.subject"),
        merge(document, subject={"reference": "Patient/other"}),
    ),
    "an address elsewhere": (
        *("Minimal", 422, "Bundle.entry[1].resource"),
        merge(document, custodian={"reference": "http://169.254.169.254/Organization/1"}),
    ),
    "an unknown author": (
        *("UnContained.Comprehensive", 422, f"{ENTRY}.author"),
        lambda bundle: document(bundle)["author"].append({"reference": "Practitioner/never"}),
    ),
    # Relations
    "a target that never was": (
        *("Minimal", 422, f"{ENTRY}.relatesTo[0].target"),
        merge(document, relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/never"}}]),
    ),
    "a target without a reference": (
        *("Minimal", 422, f"{ENTRY}.relatesTo[0].target"),
        merge(document, relatesTo=[{"code": "signs", "target": {"display": "x"}}]),
    ),
}


async def test_what_breaks_a_rule_is_refused_with_its_place_and_nothing_is_kept(world: World) -> None:
    caller, patient = await a_site(world)

    for name, (level, status, place, change) in CASES.items():
        bundle = a_submission(patient)
        bundle["meta"]["profile"] = [f"{MHD}/IHE.MHD.{level}.ProvideBundle"]
        change(bundle)

        answer = await world.http.post("/fhir", headers=caller, json=bundle)

        assert answer.status_code == status, (name, answer.text)
        places = [one for issue in answer.json()["issue"] for one in issue.get("expression", [])]
        assert places[0] == place or place in places, (name, answer.text)
    for type_name in ("DocumentReference", "List", "Binary"):
        assert await world.total(caller, type_name) == 0


async def test_d9_no_attachment_lies_about_its_bytes(world: World) -> None:
    caller, patient = await a_site(world)

    for fields in ({"size": 0}, {"size": 11}, {"hash": "eA=="}, {"hash": ""}, {"contentType": "text/html"}):
        bundle = a_submission(patient)
        attachment(bundle).update(fields)
        answer = await world.http.post("/fhir", headers=caller, json=bundle)
        assert 400 <= answer.status_code < 500, fields
    assert await world.total(caller, "Binary") == 0


async def test_g1_no_address_of_a_document_is_asked(world: World) -> None:
    caller, patient = await a_site(world)
    asked: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    changes: list[Change] = [
        merge(attachment, url=f"{base}/x"),
        merge(document, subject={"reference": f"{base}/Patient/{patient}"}),
        merge(document, custodian={"reference": f"{base}/Organization/1"}),
        merge(document, relatesTo=[{"code": "replaces", "target": {"reference": f"{base}/DocumentReference/1"}}]),
        merge(submission_set, entry=[{"item": {"reference": f"{base}/List/1"}}]),
    ]

    for change in changes:
        bundle = a_submission(patient)
        bundle["meta"]["profile"] = [f"{MHD}/IHE.MHD.Minimal.ProvideBundle"]
        change(bundle)
        assert (await world.http.post("/fhir", headers=caller, json=bundle)).status_code == 422
    server.close()

    assert asked == []


async def test_a_region_names_servers_that_documents_may_refer_to(settings: Settings) -> None:
    named = settings.model_copy(update={"mhd_references": "https://directory.example/fhir/"})
    async with running(named) as world:
        caller, patient = await a_site(world)
        told = []
        for number, link in enumerate(
            (
                *("https://directory.example/fhir/Organization/1", "https://directory.example/fhir/Patient/1"),
                "https://directory.example.evil/fhir/Organization/1",
            )
        ):
            bundle = a_submission(patient, str(number), custodian={"reference": link})
            told.append((await world.http.post("/fhir", headers=caller, json=bundle)).status_code)

    assert told == [200, 422, 422]


async def test_a_hash_may_be_of_the_digest_s_text(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = a_submission(patient, octets=b"Hello World")
    attachment(bundle)["hash"] = "MGE0ZDU1YThkNzc4ZTUwMjJmYWI3MDE5NzdjNWQ4NDBiYmM0ODZkMA=="

    assert len(await provided(world, caller, bundle)) == 3


async def test_a_patient_that_is_not_active_or_not_the_site_s_gets_no_documents(world: World) -> None:
    caller, _ = await a_site(world)
    closed = (await world.post(caller, a_patient(active=False)))["id"]
    _, theirs = await a_site(world, "hospital-b")

    told = []
    for patient in (closed, theirs, "never"):
        answer = await world.http.post("/fhir", headers=caller, json=a_submission(patient))
        told.append((answer.status_code, answer.json()["issue"][0]["code"]))

    assert told == [(422, "business-rule"), (422, "not-found"), (422, "not-found")]


async def test_who_is_referred_to_is_in_the_directory_and_active(world: World) -> None:
    caller, patient = await a_site(world)
    secretariat = await world.client("secretariat", role="secretariat")
    told = []
    for number, active in enumerate((True, False)):
        author = await world.post(secretariat, {"resourceType": "Practitioner", "active": active})
        bundle = a_submission(patient, str(number), level="UnContained.Comprehensive")
        document(bundle)["author"].append({"reference": f"Practitioner/{author['id']}"})
        told.append((await world.http.post("/fhir", headers=caller, json=bundle)).status_code)

    assert told == [200, 422]


async def test_a_patient_that_comes_along_is_found_or_made(world: World) -> None:
    caller = await world.client("hospital-a")
    person = a_patient(identifier=[{"system": "urn:oid:1.2.392.100495.20.3.51.1", "value": "9"}])
    bundles = []
    for number in ("1", "2"):
        bundle = a_submission("x", number)
        bundle["entry"].append(an_entry(4, person))
        for described in (document(bundle), submission_set(bundle)):
            described["subject"] = {"reference": uid(4)}
        bundles.append(bundle)

    places = [await provided(world, caller, bundle) for bundle in bundles]

    assert places[0][3] == places[1][3]
    assert await world.total(caller, "Patient") == 1
    assert await world.total(caller, f"DocumentReference?patient={places[0][3]}") == 2


async def test_a_patient_that_is_asked_for_comes_with_the_answer(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = a_submission("x")
    bundle["entry"].append(an_entry(4, a_patient(), "GET", f"Patient/{patient}"))
    for described in (document(bundle), submission_set(bundle)):
        described["subject"] = {"reference": uid(4)}

    answer = await world.http.post("/fhir", headers=caller, json=bundle)

    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"][3]["resource"]["id"] == patient
    assert await world.total(caller, f"DocumentReference?patient=Patient/{patient}") == 1


async def test_b8_a_label_of_what_describes_a_document_closes_what_it_leads_to(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = of_a_fhir_document(patient)
    psychiatry = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    document(bundle)["securityLabel"].append({"coding": [psychiatry]})
    _, described, bytes_ = await provided(world, caller, bundle)
    await world.post(caller, a_consent(patient, "clinic-c"))
    clinic = await world.client("clinic-c")
    query = f"Condition?patient=Patient/{patient}"

    told = [(await world.http.get(f"/fhir/{one}", headers=clinic)).status_code for one in (described, bytes_)]

    assert told == [404, 404]
    assert (await world.total(clinic, query), await world.total(caller, query)) == (0, 1)


def replacing(patient: str, number: str, target: str, code: str = "replaces") -> Bundle:
    relation = {"code": code, "target": {"reference": target}}
    return a_submission(patient, number, octets=number.encode(), relatesTo=[relation])


async def statuses(world: World, caller: dict[str, str], places: list[str]) -> list[str]:
    return [(await read(world, caller, place))["status"] for place in places]


async def test_what_is_replaced_is_superseded_with_what_extends_it_and_its_folders_are_joined(world: World) -> None:
    caller, patient = await a_site(world)
    first = a_submission(patient)
    first["entry"].append(an_entry(4, a_folder(patient)))
    submission_set(first)["entry"].append({"item": {"reference": uid(4)}})
    _, old, _, folder = await provided(world, caller, first)
    addendum = (await provided(world, caller, replacing(patient, "2", old, "appends")))[1]
    translation = (await provided(world, caller, replacing(patient, "3", addendum, "transforms")))[1]
    signature = (await provided(world, caller, replacing(patient, "4", old, "signs")))[1]

    new = (await provided(world, caller, replacing(patient, "5", old)))[1]

    assert await statuses(world, caller, [old, addendum, translation, signature, new]) == [
        *("superseded", "superseded", "superseded", "current", "current")
    ]
    joined = await read(world, caller, folder)
    assert [entry["item"]["reference"] for entry in joined["entry"]] == [old, new]
    again = await world.http.post("/fhir", headers=caller, json=replacing(patient, "6", old))
    assert (again.status_code, again.json()["issue"][0]["code"]) == (409, "conflict")


async def test_d2_a_document_of_others_is_replaced_as_little_as_one_that_never_was(world: World) -> None:
    caller, patient = await a_site(world)
    other, theirs = await a_site(world, "hospital-b")
    hidden = (await provided(world, other, a_submission(theirs)))[1]
    another = (await world.post(caller, a_patient()))["id"]
    own = (await provided(world, caller, a_submission(another, "7")))[1]

    told = [
        await world.http.post("/fhir", headers=caller, json=replacing(patient, "2", target, code))
        for code in ("replaces", "appends", "transforms", "signs")
        for target in ("DocumentReference/never", hidden, own)
    ]

    assert {(one.status_code, one.text) for one in told} == {(422, told[0].text)}
    assert await statuses(world, other, [hidden]) == ["current"]


async def test_d10_of_two_that_replace_at_once_one_wins(world: World) -> None:
    caller, patient = await a_site(world)
    old = (await provided(world, caller, a_submission(patient)))[1]

    answers = await asyncio.gather(
        *(world.http.post("/fhir", headers=caller, json=replacing(patient, number, old)) for number in ("2", "3", "4"))
    )

    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    assert await world.total(caller, f"DocumentReference?patient={patient}&status=current") == 1
    assert await world.total(caller, "Binary") == 2


async def test_d8_other_bytes_under_one_identifier_are_refused_and_the_first_are_kept(world: World) -> None:
    caller, patient = await a_site(world)
    first = await provided(world, caller, a_submission(patient))
    another = (await world.post(caller, a_patient()))["id"]

    other = await world.http.post("/fhir", headers=caller, json=a_submission(patient, octets=b"other"))
    moved = await world.http.post("/fhir", headers=caller, json=a_submission(another))

    assert (other.status_code, moved.status_code) == (409, 409)
    kept = await read(world, caller, first[2])
    assert base64.b64decode(kept["data"]) == LETTER


async def test_a_bundle_that_is_sent_again_makes_nothing_new(world: World) -> None:
    caller, patient = await a_site(world)
    old = (await provided(world, caller, a_submission(patient, "9")))[1]
    bundle = replacing(patient, "1", old)
    first = await world.http.post("/fhir", headers=caller, json=bundle)

    again = await world.http.post("/fhir", headers=caller, json=bundle)

    assert again.status_code == 200
    assert [entry["response"]["status"] for entry in again.json()["entry"]] == ["200", "200", "200"]
    places = [[entry["response"]["location"] for entry in one.json()["entry"]] for one in (first, again)]
    assert places[0] == places[1]
    assert await world.total(caller, "DocumentReference") == 2


async def test_another_site_may_use_the_same_identifier(world: World) -> None:
    caller, patient = await a_site(world)
    other, theirs = await a_site(world, "hospital-b")
    await provided(world, caller, a_submission(patient))

    assert len(await provided(world, other, a_submission(theirs, octets=b"other"))) == 3


async def test_a_document_is_superseded_without_a_replacement(world: World) -> None:
    caller, patient = await a_site(world)
    old = (await provided(world, caller, a_submission(patient)))[1]
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "DocumentReference.status"},
        {"name": "value", "valueCode": "superseded"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    bundle = a_submission(patient, "2")
    bundle["entry"].append(an_entry(5, patch, "PATCH", old))

    await provided(world, caller, bundle)

    assert await statuses(world, caller, [old]) == ["superseded"]


async def test_a_folder_takes_documents_in_when_it_is_put(world: World) -> None:
    caller, patient = await a_site(world)
    first = a_submission(patient)
    first["entry"].append(an_entry(4, a_folder(patient)))
    submission_set(first)["entry"].append({"item": {"reference": uid(4)}})
    _, old, _, folder = await provided(world, caller, first)
    second = a_submission(patient, "2")
    both = [{"item": {"reference": old}}, {"item": {"reference": uid(2)}}]
    second["entry"].append(an_entry(4, a_folder(patient, entry=both), "PUT", "List"))

    places = await provided(world, caller, second)

    assert places[3] == folder
    assert [one["item"]["reference"] for one in (await read(world, caller, folder))["entry"]] == [old, places[1]]


async def test_who_is_meant_to_read_it_is_kept_and_told_that_nobody_is_told(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = a_submission(patient)
    secretariat = await world.client("secretariat", role="secretariat")
    known = await world.post(secretariat, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    for link in (f"Practitioner/{known['id']}", "Practitioner/never"):
        recipient = {"url": f"{MHD}/ihe-intendedRecipient", "valueReference": {"reference": link}}
        submission_set(bundle)["extension"].append(recipient)

    answer = await world.http.post("/fhir", headers=caller, json=bundle)

    issues = answer.json()["entry"][0]["response"]["outcome"]["issue"]
    assert [(issue["severity"], issue["diagnostics"].partition(":")[0]) for issue in issues] == [
        ("warning", "UnavailableRecipient"),
        ("warning", "UnknownRecipient"),
    ]


async def test_a_document_that_is_a_bundle_is_searchable_under_the_patient_that_is_named(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = of_a_fhir_document(patient)

    places = await provided(world, caller, bundle)

    kept = await read(world, caller, places[1])
    assert kept["content"][0]["attachment"]["url"] == f"http://127.0.0.1:8080/fhir/{places[2]}"
    assert await world.total(caller, "Patient") == 1
    assert await world.total(caller, f"Condition?patient={patient}") == 1
    assert await world.total(caller, f"DocumentReference?patient={patient}") == 1
    for name in ("size", "hash"):
        attachment(bundle)[name] = {"size": 1, "hash": "eA=="}[name]
        document(bundle)["masterIdentifier"]["value"] = "urn:oid:1.2.3.4"
        refused = await world.http.post("/fhir", headers=caller, json=bundle)
        assert refused.json()["issue"][0]["expression"] == [f"{ENTRY}.content[0].attachment.{name}"]
        del attachment(bundle)[name]


def of_a_fhir_document(patient: str) -> Bundle:
    """Return a Bundle that provides a document of one Condition."""
    condition = {"resourceType": "Condition", "subject": {"reference": uid(12)}, "code": {"text": "肺炎"}}
    section = [{"title": "病名", "entry": [{"reference": uid(13)}]}]
    return a_bundle(
        an_entry(1, a_set(patient)),
        an_entry(2, a_document(patient, content=[{"attachment": fhir_attachment(), "format": {"code": "x"}}])),
        an_entry(3, a_fhir_document(a_patient(), condition, section=section), url="Bundle"),
    )


def fhir_attachment() -> dict[str, Any]:
    found = an_attachment(contentType="application/fhir+json")
    return {name: value for name, value in found.items() if name not in ("size", "hash")}


async def test_what_was_taken_from_a_document_goes_when_it_is_replaced(world: World) -> None:
    caller, patient = await a_site(world)
    bundle = of_a_fhir_document(patient)
    old = (await provided(world, caller, bundle))[1]
    again = await provided(world, caller, bundle)
    before = await world.total(caller, f"Condition?patient={patient}")

    await provided(world, caller, replacing(patient, "2", old))

    assert (again[1], before) == (old, 1)
    assert await world.total(caller, f"Condition?patient={patient}") == 0
    assert await statuses(world, caller, [old]) == ["superseded"]


async def test_a_region_keeps_fhir_documents_as_plain_bytes_too(settings: Settings) -> None:
    async with running(settings.model_copy(update={"mhd_serialised": True})) as world:
        caller, patient = await a_site(world)
        bundle = of_a_fhir_document(patient)
        places = await provided(world, caller, bundle)
        await provided(world, caller, bundle)

        found = await world.http.get(f"/fhir/DocumentReference?relatesto={places[1]}", headers=caller)

        (entry,) = found.json()["entry"]
        second = entry["resource"]
        assert second["relatesTo"] == [{"code": "transforms", "target": {"reference": places[1]}}]
        attachment_of_it = second["content"][0]["attachment"]
        octets = (await world.http.get(attachment_of_it["url"], headers=caller)).content
        assert (orjson.loads(octets), attachment_of_it["size"]) == (bundle["entry"][2]["resource"], len(octets))
        await provided(world, caller, replacing(patient, "2", places[1]))
        assert await statuses(world, caller, [f"DocumentReference/{second['id']}"]) == ["superseded"]


async def test_it_is_on_record_as_the_transaction(world: World) -> None:
    caller, patient = await a_site(world)
    before = len(await recorded(world))

    await provided(world, caller, a_submission(patient))
    await world.http.post("/fhir", headers=caller, json=a_submission(patient, octets=b"other"))

    told = [event for event in (await recorded(world))[before:] if event.interaction == "provide"]
    assert [(event.outcome, event.patient) for event in told] == [("0", f"Patient/{patient}"), ("4", None)]
    rendered = audit_event(told[0], id="1", observer=Observer("Device/hub", "http://hub"))
    assert (rendered["type"]["code"], rendered["subtype"][0]["code"], rendered["action"]) == ("110107", "ITI-65", "C")


async def test_the_scope_of_the_transaction_is_enough_and_another_is_not(world: World) -> None:
    caller, patient = await a_site(world)
    old = (await provided(world, caller, a_submission(patient)))[1]
    bundle = replacing(patient, "2", old)

    answers = [
        await world.http.post("/fhir", headers=await scoped(world, "hospital-a", scope), json=bundle)
        for scope in ("ITI-67", "system/Observation.cruds", "ITI-65")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200], answers[2].text


async def test_it_is_taken_and_answered_in_xml(world: World) -> None:
    caller, patient = await a_site(world)
    body = to_xml(orjson.dumps(a_submission(patient)))
    headers = {**caller, "content-type": "application/fhir+xml", "accept": "application/fhir+xml"}

    answer = await world.http.post("/fhir", headers=headers, content=body)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert answer.text.count('<status value="201"/>') == 3


async def test_it_may_be_answered_later(world: World) -> None:
    caller, patient = await a_site(world)

    status = await begin(world, caller, "POST", "", json=a_submission(patient))

    whole = (await answered(world, caller, status))["resource"]
    assert [entry["response"]["status"] for entry in whole["entry"]] == ["201", "201", "201"]
    assert await world.total(caller, f"DocumentReference?patient={patient}") == 1


async def test_what_is_no_such_bundle_is_refused_and_never_a_failure(world: World) -> None:
    caller, patient = await a_site(world)
    odd: list[Any] = [None, 1, "x", [], {}, [None], {"coding": "x"}, [[1]], {"reference": 1}]
    paths: list[tuple[int, str]] = [
        *((0, name) for name in ("code", "extension", "identifier", "entry", "subject", "source", "contained")),
        *(
            (1, name)
            for name in ("masterIdentifier", "content", "relatesTo", "context", "author", "subject", "identifier")
        ),
        *((2, name) for name in ("data", "contentType", "securityContext")),
    ]

    for number, name in paths:
        for value in odd:
            bundle = a_submission(patient)
            bundle["entry"][number]["resource"][name] = value
            answer = await world.http.post("/fhir", headers=caller, json=bundle)
            assert answer.status_code < 500, (number, name, value)
