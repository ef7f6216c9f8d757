import json
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load
from fhir.documents.sections import SECTIONS
from fhir.store.labels import ACT_CODE, DISCLOSURE
from tests.identity import are_one_person
from tests.packages import a_package
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PSY = {"system": ACT_CODE, "code": "PSY"}
NUMBER = {"system": "urn:oid:1.2.392.100495.20.3.51.10100000001", "value": "00042"}
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ICD10 = "http://hl7.org/fhir/sid/icd-10"


def a_problem(patient: str, icd: str = "I10", **fields: Any) -> dict[str, Any]:
    """Return a Condition: hypertension, unless another code of ICD-10 is given."""
    return {
        "resourceType": "Condition",
        "code": {"coding": [{"system": ICD10, "code": icd}], "text": "高血圧症"},
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


def an_allergy(patient: str, **fields: Any) -> dict[str, Any]:
    """Return an allergy to buckwheat."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "code": {"text": "そば"},
        "patient": {"reference": f"Patient/{patient}"},
        **fields,
    }


async def ask(world: World, caller: dict[str, str], path: str, **headers: str) -> dict[str, Any]:
    """Return the Bundle that is answered to a GET."""
    answer = await world.http.get(f"/fhir/{path}", headers={**caller, **headers})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def sections(bundle: dict[str, Any]) -> dict[str, list[str]]:
    """Return the types and ids of the entries of each section."""
    urls = {one["fullUrl"]: f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle["entry"]}
    return {
        one["code"]["coding"][0]["code"]: [urls[entry["reference"]] for entry in one.get("entry", ())]
        for one in bundle["entry"][0]["resource"]["section"]
    }


def held(bundle: dict[str, Any]) -> set[str]:
    return {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle["entry"]}


async def two_sites(world: World) -> tuple[dict[str, str], dict[str, str], str, str]:
    """Return two sites' callers and their Patients of one person, who lets the second see all of the first."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    one = (await world.post(hospital, a_patient(identifier=[NUMBER])))["id"]
    other = (await world.post(clinic, a_patient()))["id"]
    await are_one_person(world, one, other)
    await world.post(hospital, a_consent(one, "clinic-c"))
    return hospital, clinic, one, other


async def test_a_summary_is_of_the_person_over_all_sites_with_each_fact_once(world: World) -> None:
    _, clinic, one, other = await two_sites(world)
    hospital = await world.client("hospital-a")
    doctor = await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    told = await world.post(
        hospital, a_problem(one, recordedDate="2024", recorder={"reference": f"Practitioner/{doctor['id']}"})
    )
    await world.post(clinic, a_problem(other))
    allergy = await world.post(clinic, an_allergy(other))
    result = await world.post(hospital, an_observation(one))

    bundle = await ask(world, clinic, f"Patient/{other}/$summary")

    found = sections(bundle)
    assert found["11450-4"] == [f"Condition/{told['id']}"]
    assert found["48765-2"] == [f"AllergyIntolerance/{allergy['id']}"]
    assert found["10160-0"] == []
    assert found["30954-2"] == [f"Observation/{result['id']}"]
    assert {f"Patient/{other}", f"Practitioner/{doctor['id']}", "Organization/hub"} <= held(bundle)
    assert f"Patient/{one}" not in held(bundle)
    patient = bundle["entry"][1]["fullUrl"]
    subjects = {one["resource"]["subject"]["reference"] for one in bundle["entry"] if "subject" in one["resource"]}
    assert subjects == {patient}
    problems = bundle["entry"][0]["resource"]["section"][0]
    assert "hospital-a、clinic-c" in problems["text"]["div"]


async def test_what_is_hidden_is_not_missed_and_a_withdrawal_counts_at_once(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    await world.post(hospital, an_allergy(patient, meta={"security": [PSY]}))

    shown = await ask(world, clinic, f"Patient/{patient}/$summary")
    own = await ask(world, hospital, f"Patient/{patient}/$summary")
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=consent | {"status": "inactive"})
    after = await world.http.get(f"/fhir/Patient/{patient}/$summary", headers=clinic)

    assert [one["emptyReason"]["coding"][0]["code"] for one in shown["entry"][0]["resource"]["section"]] == [
        "unavailable"
    ] * 3
    assert "meta" not in shown
    assert own["meta"]["security"] == [PSY]
    assert after.status_code == 404


async def test_what_the_patient_was_not_told_is_marked_and_its_label_is_the_documents(world: World) -> None:
    hospital, clinic, one, other = await two_sites(world)
    untold = {"system": DISCLOSURE, "code": "UNINFORMED"}
    await world.post(hospital, a_problem(one, meta={"security": [untold]}))
    await world.post(
        hospital, a_problem(one, "C16", meta={"security": [{"system": DISCLOSURE, "code": "UNDELIVERED"}]})
    )

    bundle = await ask(world, clinic, f"Patient/{other}/$summary")

    problems = bundle["entry"][0]["resource"]["section"][0]
    assert len(problems["entry"]) == 1
    assert "【未告知】高血圧症" in problems["text"]["div"]
    assert bundle["meta"]["security"] == [untold]


async def test_every_access_is_on_record_for_each_patient_with_what_was_drawn_from(world: World) -> None:
    hospital, clinic, one, other = await two_sites(world)
    told = await world.post(hospital, a_problem(one))
    again = await world.post(clinic, a_problem(other))

    await ask(world, clinic, f"Patient/{other}/$summary")

    events = [event for event in await recorded(world) if "$summary" in str(event.path)]
    entities = {event.patient: set(event.entities) for event in events}
    assert entities == {
        f"Patient/{one}": {f"Condition/{told['id']}/_history/1"},
        f"Patient/{other}": {f"Patient/{other}/_history/1", f"Condition/{again['id']}/_history/1"},
    }
    assert {event.interaction for event in events} == {"operation"}


async def test_an_old_alert_that_is_active_is_not_lost_behind_newer_ones_that_are_over(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    flags = [
        {
            "resourceType": "Flag",
            "status": "active" if number == 0 else "inactive",
            "code": {"text": f"注意{number}"},
            "subject": {"reference": f"Patient/{patient}"},
            "period": {"start": f"2024-01-{number + 1:02}" if number < 31 else "2024-02-01"},
        }
        for number in range(35)
    ]
    entries = [{"resource": one, "request": {"method": "POST", "url": "Flag"}} for one in flags]
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await world.http.post("/fhir", headers=hospital, json=sent)

    bundle = await ask(world, hospital, f"Patient/{patient}/$summary")

    assert answer.status_code == 200, answer.text
    assert [len(entries) for code, entries in sections(bundle).items() if code == "104605-1"] == [1]
    assert "注意0" in str(bundle["entry"][0]["resource"]["section"])
    assert "注意1" not in str(bundle["entry"][0]["resource"]["section"])


async def test_a_summary_speaks_the_language_that_is_asked_for(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    spoken = []

    for query, headers in (
        ("", {}),
        ("", {"accept-language": "en-GB, ja;q=0.5"}),
        ("", {"accept-language": "fr"}),
        ("?_language=en", {"accept-language": "ja"}),
        ("?_language=ja-JP", {"accept-language": "en"}),
    ):
        answer = await world.http.get(f"/fhir/Patient/{patient}/$summary{query}", headers={**hospital, **headers})
        title = answer.json()["entry"][0]["resource"]["title"]
        spoken.append((answer.headers["content-language"], answer.json()["language"], title))

    japanese, english = ("ja", "ja", "国際患者サマリー"), ("en", "en", "International Patient Summary")
    assert spoken == [japanese, english, japanese, english, japanese]


async def test_a_patient_is_named_by_an_identifier_too(world: World) -> None:
    hospital, clinic, one, _ = await two_sites(world)
    text = f"{NUMBER['system']}|{NUMBER['value']}"
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "identifier", "valueIdentifier": NUMBER},
            {"name": "profile", "valueUri": "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips|2.0.1"},
        ],
    }

    by_get = await world.http.get("/fhir/Patient/$summary", params={"identifier": text}, headers=hospital)
    by_post = await world.http.post("/fhir/Patient/$summary", headers=clinic, json=parameters)
    plain = await world.http.get("/fhir/Patient/$summary?identifier=00042", headers=hospital)
    unknown = await world.http.get("/fhir/Patient/$summary?identifier=urn:oid:1.2|00042", headers=hospital)
    hidden = await world.http.get(
        "/fhir/Patient/$summary", params={"identifier": text}, headers=await world.client("clinic-d")
    )

    for answer in (by_get, by_post, plain):
        assert answer.status_code == 200, answer.text
        assert answer.json()["entry"][1]["resource"]["id"] == one
    assert (unknown.status_code, unknown.json()) == (hidden.status_code, hidden.json())
    assert unknown.status_code == 404


async def test_an_identifier_of_several_persons_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    insured = {"system": "http://example.org/insurance", "value": "1"}
    patients = [
        (await world.post(hospital, a_patient(identifier=[insured], birthDate=day)))["id"] for day in ("1960", "1990")
    ]
    address = f"/fhir/Patient/$summary?identifier={insured['system']}|1"

    several = await world.http.get(address, headers=hospital)
    await are_one_person(world, *patients)
    one = await world.http.get(address, headers=hospital)

    assert (several.status_code, several.json()["issue"][0]["code"]) == (412, "multiple-matches")
    assert one.status_code == 200


REFUSED = (
    ("Patient/$summary", 400, "identifier"),
    ("Patient/$summary?identifier=", 400, "identifier"),
    ("Patient/$summary?identifier=urn:oid:1|", 400, "identifier"),
    ("Patient/{}/$summary?identifier=1", 400, "identifier"),
    ("Patient/{}/$summary?profile=http://example.org/other", 400, "profile"),
    ("Patient/{}/$summary?graph=http://example.org/graph", 400, "graph"),
    ("Patient/{}/$summary?_language=fr", 400, "_language"),
    ("Patient/{}/$summary?unknown=1", 400, "unknown"),
    ("Patient/{}/$summary?persist=perhaps", 400, "persist"),
    ("Observation/$summary?identifier=1", 404, None),
    ("Patient/unknown/$summary", 404, None),
)


async def test_what_cannot_be_answered_says_why(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    told = []

    for address, _, _ in REFUSED:
        answer = await world.http.get(f"/fhir/{address.format(patient)}", headers=hospital)
        told.append((address, answer.status_code, answer.json()["issue"][0].get("expression", [None])[0]))

    assert told == list(REFUSED)


async def test_it_is_written_as_xml_too(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, an_observation(patient, valueQuantity={"value": 6.3, "unit": "<%"}))

    answer = await world.http.get(f"/fhir/Patient/{patient}/$summary?_format=xml", headers=hospital)

    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert "60591-5" in answer.text
    assert "6.3 &lt;%" in answer.text


async def test_only_the_newest_are_read_and_that_is_said(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    most = {section.code: section.most for section in SECTIONS}["8716-3"]
    vital = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]
    }
    entries = [
        {
            "request": {"method": "POST", "url": "Observation"},
            "resource": an_observation(
                patient, category=[vital], effectiveDateTime=f"2024-01-01T10:{number:02}:00+09:00"
            ),
        }
        for number in range(most + 2)
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert (await world.http.post("/fhir", headers=hospital, json=body)).status_code == 200

    bundle = await ask(world, hospital, f"Patient/{patient}/$summary?_language=en")

    (vitals,) = [one for one in bundle["entry"][0]["resource"]["section"] if one["title"] == "Vital Signs"]
    dates = [one["resource"]["effectiveDateTime"] for one in bundle["entry"] if "effectiveDateTime" in one["resource"]]
    assert len(vitals["entry"]) == most
    assert dates[0] == f"2024-01-01T10:{most + 1}:00+09:00"
    assert f"These are the newest {most}. Older ones are not included." in vitals["text"]["div"]


async def test_a_report_brings_its_results_but_nobody_elses(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, mother = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    own, other = [
        await world.post(hospital, an_observation(one, category=[{"coding": [{"code": "survey"}]}]))
        for one in (patient, mother)
    ]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "血液検査"},
        "subject": {"reference": f"Patient/{patient}"},
        "result": [{"reference": f"Observation/{own['id']}"}],
    }
    made = await world.post(hospital, report)
    mixed = await world.post(
        hospital, report | {"result": [{"reference": f"Observation/{other['id']}", "display": "x"}]}
    )

    bundle = await ask(world, hospital, f"Patient/{patient}/$summary")

    assert {f"DiagnosticReport/{made['id']}", f"Observation/{own['id']}"} <= held(bundle)
    assert f"Observation/{other['id']}" not in held(bundle)
    told = [one["resource"] for one in bundle["entry"] if one["resource"]["id"] == mixed["id"]]
    assert [one["result"] for one in told] == [[{"display": "x"}]]


async def test_codes_are_named_and_translated_where_packages_say_so(world: World, tmp_path: Any) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    medis = "urn:oid:1.2.392.200119.4.101.6"
    await world.post(
        hospital,
        a_problem(patient, code={"text": "高血圧症", "coding": [{"system": medis, "code": "K1", "display": "a"}]}),
    )
    system = {
        "resourceType": "CodeSystem",
        "url": medis,
        "version": "1",
        "status": "active",
        "content": "complete",
        "concept": [
            {"code": "K1", "display": "高血圧症", "designation": [{"language": "en", "value": "Hypertension"}]}
        ],
    }
    targets = [{"code": "I10", "equivalence": "equivalent"}, {"code": "I15", "equivalence": "wider"}]
    group = {"source": medis, "target": ICD10, "element": [{"code": "K1", "target": targets}]}
    concept_map = {
        "resourceType": "ConceptMap",
        "url": "http://example.org/map",
        "version": "1",
        "status": "active",
        "group": [group],
    }
    await load(world.hub, read_package(a_package(tmp_path / "p.tgz", system, concept_map)), user_name="tester")

    bundle = await ask(world, hospital, f"Patient/{patient}/$summary?_language=en")

    problem = next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Condition")
    assert problem["code"] == {
        "text": "高血圧症",
        "coding": [
            {"system": medis, "code": "K1", "display": "a", "userSelected": True},
            {"system": ICD10, "code": "I10", "userSelected": False},
        ],
    }
    assert "Hypertension (高血圧症)" in json.dumps(bundle["entry"][0], ensure_ascii=False)


async def test_the_same_question_at_one_instant_has_the_same_answer(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_problem(patient))
    world.hub.clock = lambda: 1_790_000_000_000_000

    one = await ask(world, hospital, f"Patient/{patient}/$summary")
    same = await ask(world, hospital, f"Patient/{patient}/$summary")
    await world.post(hospital, a_problem(patient, "E11"))
    other = await ask(world, hospital, f"Patient/{patient}/$summary")

    assert one == same
    assert one["identifier"] != other["identifier"]
    assert {entry["fullUrl"] for entry in one["entry"]}.isdisjoint(entry["fullUrl"] for entry in other["entry"])
