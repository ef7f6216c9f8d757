"""ITI-66 and ITI-67: documents, SubmissionSets and Folders are found by what is said of them.

https://profiles.ihe.net/ITI/MHD/ITI-66.html, https://profiles.ihe.net/ITI/MHD/ITI-67.html
"""

from urllib.parse import urlencode

import pytest

from app.audit.balp import Observer, audit_event
from tests.mhd import a_folder, a_submission, an_entry, provided, submission_set, uid
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

NUMBER = "urn:oid:1.2.392.100495.20.3.51.11"
OF_DOCUMENTS = {
    "status": "current",
    "type": "http://loinc.org|57133-1",
    "category": "57133-1",
    "author.given": "花子",
    "author.family": "佐",
    "creation": "ge2024-05-01",
    "date": "2024-05-01",
    "event": "PATDOC",
    "facility": "http://snomed.info/sct|82242000",
    "format": "x",
    "identifier": "urn:ietf:rfc:3986|urn:oid:1.2.392.1",
    "period": "ge2024-04-01",
    "security-label": "N",
    "setting": "408467006",
    "related:identifier": "urn:ietf:rfc:3986|urn:uuid:1",
}
OF_LISTS = {
    "code": "submissionset",
    "date": "2024-05-01",
    "designationType": "http://snomed.info/sct|225728007",
    "identifier": "urn:oid:1.2.392.9.1",
    "sourceId": "urn:oid:1.2.3.4",
    "source.given": "次郎",
    "source.family": "鈴",
    "status": "current",
}
OTHERS = {
    "author.given": "次",
    "author.family": "鈴木",
    "creation": "lt2024",
    "sourceId": "urn:oid:9",
    "source.given": "花",
}
"""Values that nothing has; the names of a source are no author's."""


async def a_stock(world: World) -> tuple[dict[str, str], str]:
    """Provide a document in a Folder, and another one of another Patient."""
    caller = await world.client("hospital-a")
    patient = (await world.post(caller, a_patient(identifier=[{"system": NUMBER, "value": "1"}])))["id"]
    bundle = a_submission(patient)
    found = bundle["entry"][1]["resource"]
    found["context"] |= {
        "event": [{"coding": [{"code": "PATDOC"}]}],
        "period": {"start": "2024-04-01", "end": "2024-05-01"},
        "related": [{"identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}}],
    }
    folder = a_folder(patient)
    bundle["entry"].append(an_entry(4, folder))
    one = submission_set(bundle)
    one["entry"].append({"item": {"reference": uid(4)}})
    one["contained"] = [{"resourceType": "Practitioner", "id": "s", "name": [{"family": "鈴木", "given": ["次郎"]}]}]
    one["source"] = {"reference": "#s"}
    await provided(world, caller, bundle)
    other = (await world.post(caller, a_patient()))["id"]
    await provided(world, caller, a_submission(other, "2"))
    return caller, patient


async def test_each_parameter_of_the_transactions_finds(world: World) -> None:
    caller, patient = await a_stock(world)
    about: list[dict[str, str]] = [{"patient": f"Patient/{patient}"}, {"patient.identifier": f"{NUMBER}|1"}]

    for type_name, table in (("DocumentReference", OF_DOCUMENTS), ("List", OF_LISTS)):
        for name, value in table.items():
            for whom in about:
                asked = urlencode({**whom, name: value})
                lists = {"date": 2, "designationType": 2, "status": 2}.get(name, 1) if type_name == "List" else 1
                assert await world.total(caller, f"{type_name}?{asked}") == lists, (type_name, name)
                answer = await world.http.post(
                    f"/fhir/{type_name}/_search",
                    headers={**caller, "content-type": "application/x-www-form-urlencoded"},
                    content=asked,
                )
                assert answer.json()["total"] == lists, (type_name, name)
            if name in OTHERS:
                asked = urlencode({**about[0], name: OTHERS[name]})
                assert await world.total(caller, f"{type_name}?{asked}") == 0, (type_name, name)


ASKED = [
    ("DocumentReference?patient=Patient/{}&status=current", 200),
    ("DocumentReference?patient.identifier=urn:oid:1|2&status=current", 200),
    ("DocumentReference?status=current", 400),
    ("DocumentReference?patient=Patient/{}", 400),
    ("List?patient=Patient/{}&code=folder&status=current", 200),
    ("List?patient=Patient/{}&status=current", 400),
    ("List?code=folder&status=current", 400),
    ("DocumentReference?patient=Patient/{}&status=current&targetCommunityIdList=urn:oid:1.2", 400),
]
"""Searches, and how they are answered to a token for the transactions."""


async def test_a_token_of_the_transaction_asks_as_the_transaction_says(world: World) -> None:
    _, patient = await a_stock(world)
    ihe = await scoped(world, "hospital-a", "ITI-66 ITI-67")
    smart = await scoped(world, "hospital-a", "system/*.rs")

    for query, status in ASKED:
        answers = [await world.http.get(f"/fhir/{query.format(patient)}", headers=headers) for headers in (ihe, smart)]

        elsewhere = "target" in query
        assert [one.status_code for one in answers] == [status, 400 if elsewhere else 200], query
        if status == 400 and not elsewhere:
            assert answers[0].json()["issue"][0]["code"] == "required"


async def test_others_find_what_consent_discloses_and_it_is_on_record(world: World) -> None:
    caller, patient = await a_stock(world)
    clinic = await world.client("clinic-c")
    query = f"DocumentReference?patient=Patient/{patient}&status=current"
    before = await world.http.get(f"/fhir/{query}", headers=clinic)
    await world.post(caller, a_consent(patient, "clinic-c"))
    count = len(await recorded(world))

    after = await world.http.get(f"/fhir/{query}", headers=clinic)

    assert (before.json()["total"], after.json()["total"]) == (0, 1)
    url = after.json()["entry"][0]["resource"]["content"][0]["attachment"]["url"]
    assert url.startswith("http://127.0.0.1:8080/fhir/Binary/")
    (event,) = (await recorded(world))[count:]
    assert (event.interaction, event.patient) == ("search-type", f"Patient/{patient}")
    rendered = audit_event(event, id="1", observer=Observer("Device/hub", "http://hub"))
    assert [one["code"] for one in rendered["subtype"]] == ["ITI-67", "search-type"]
