"""ITI-78: the domains a search is restricted to, merged Patients, and who is found at all."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.identity import someone
from tests.oauth import scoped
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

ONE, TWO = "urn:oid:1.2.3", "urn:oid:4.5.6"
FORM = "application/x-www-form-urlencoded"
MAIDEN = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"


async def two_domains(world: World) -> dict[str, str]:
    """Let hospital-a write a Patient with identifiers of two domains, and return its headers."""
    headers = await world.client("hospital-a")
    identifiers = [{"system": ONE, "value": "1"}, {"system": TWO, "value": "2"}]
    await world.post(headers, a_patient(identifier=identifiers))
    return headers


def systems(bundle: dict[str, Any]) -> list[list[str]]:
    found = [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]
    return [[one["system"] for one in patient.get("identifier", [])] for patient in found]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("family=山田", [[ONE, TWO]]),
        (f"identifier={ONE}|1", [[ONE, TWO]]),
        (f"family=山田&identifier={TWO}|", [[TWO]]),
        (f"identifier={ONE}|1&identifier={TWO}|", [[TWO]]),
        (f"identifier={ONE}|,{TWO}|", [[ONE, TWO]]),
    ],
)
async def test_only_identifiers_of_the_domains_are_shown(world: World, query: str, shown: list[list[str]]) -> None:
    headers = await two_domains(world)

    by_get = await world.http.get(f"/fhir/Patient?{query}", headers=headers)
    form = quote(query, safe="=&:|,")
    by_post = await world.http.post("/fhir/Patient/_search", headers=headers | {"content-type": FORM}, content=form)

    assert systems(by_get.json()) == systems(by_post.json()) == shown


async def test_what_is_left_out_is_marked_and_cannot_be_written_back(world: World) -> None:
    headers = await two_domains(world)
    found = (await world.http.get(f"/fhir/Patient?identifier={ONE}|", headers=headers)).json()["entry"][0]["resource"]

    answer = await world.http.put(f"/fhir/Patient/{found['id']}", headers=headers, json=found)

    assert found["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert answer.status_code == 422


async def test_an_unknown_domain_is_an_empty_answer_with_a_warning(world: World) -> None:
    headers = await two_domains(world)

    answer = await world.http.get("/fhir/Patient?identifier=urn:oid:9.9|", headers=headers)

    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    (entry,) = answer.json()["entry"]
    assert (entry["search"]["mode"], entry["resource"]["issue"][0]["code"]) == ("outcome", "not-found")


async def test_an_unknown_domain_is_a_404_where_the_region_wants_that(world: World) -> None:
    headers = await two_domains(world)
    world.hub.settings = world.hub.settings.model_copy(update={"unknown_domain": "not-found"})

    answers = [
        await world.http.get(f"/fhir/Patient?identifier={query}", headers=headers)
        for query in ("urn:oid:9.9|", f"{ONE}|,urn:oid:9.9|", f"{ONE}|")
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[0].json()["issue"][0]["diagnostics"] == "targetSystem not found"


async def test_a_hidden_patient_makes_no_domain_known(world: World) -> None:
    await two_domains(world)
    clinic = await world.client("clinic-c")

    hidden = (await world.http.get(f"/fhir/Patient?identifier={ONE}|", headers=clinic)).json()
    never = (await world.http.get("/fhir/Patient?identifier=urn:oid:9.9|", headers=clinic)).json()

    assert [one["entry"][0]["resource"]["issue"][0]["code"] for one in (hidden, never)] == ["not-found", "not-found"]


@pytest.mark.parametrize(
    "query",
    [
        *("_id={id}", "active=true", "family=山", "family:exact=山田", "given=太", "given:exact=太郎"),
        *("identifier=urn:oid:1.2.3|1", "telecom=011-222-3456", "birthdate=1960-01-02", "address=札幌", "gender=male"),
        *("address:exact=札幌市", "address-city=札幌", "address-city:exact=札幌市", "address-country=JP"),
        *("address-country:exact=JP", "address-postalcode=060", "address-postalcode:exact=060-8588"),
        *("address-state=北海道", "address-state:exact=北海道", "_lastUpdated=ge2020", "mothersMaidenName=高橋"),
        *("family=山田&gender=male", "birthdate=1960-01-02&family=山田", "mothersMaidenName:exact=高橋"),
    ],
)
async def test_every_parameter_of_the_profile_finds(world: World, query: str) -> None:
    headers = await world.client("hospital-a")
    home = {"city": "札幌市", "state": "北海道", "postalCode": "060-8588", "country": "JP"}
    made = await world.post(
        headers,
        a_patient(
            active=True,
            identifier=[{"system": ONE, "value": "1"}],
            telecom=[{"system": "phone", "value": "011-222-3456"}],
            address=[home],
            extension=[{"url": MAIDEN, "valueString": "高橋"}],
        ),
    )

    bundle = (await world.http.get(f"/fhir/Patient?{query.format(id=made['id'])}", headers=headers)).json()

    assert bundle["total"] == 1
    assert bundle["entry"][0]["resource"]["id"] == made["id"]


async def found(world: World, headers: dict[str, str]) -> int:
    return await world.total(headers, "Patient?birthdate=1951-03-08")


async def test_before_consent_nobody_of_another_site_is_found(world: World) -> None:
    await world.post(await world.client("hospital-a"), someone())

    assert await found(world, await world.client("clinic-c")) == 0


async def test_where_the_region_so_decides_patients_are_found_and_nothing_else_of_them(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"find_patients": "region"})
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, someone()))["id"]
    account = {"resourceType": "Account", "status": "active", "subject": [{"reference": f"Patient/{patient}"}]}
    await world.post(hospital, account)
    psy = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    await world.post(hospital, someone(birthDate="1951-03-09", meta={"security": psy}))

    assert await found(world, clinic) == 1
    assert await world.total(clinic, "Patient?birthdate=1951-03-09") == 0
    assert await world.total(clinic, "Account?_summary=count") == 0
    assert await found(world, await world.client("clinic-c", role="auditor")) == 0
    assert await found(world, await scoped(world, "clinic-c", "ITI-78")) == 1


async def test_who_refuses_is_found_by_nobody(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"find_patients": "region"})
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, someone()))["id"]

    before = await found(world, clinic)
    refusal = a_consent(patient, "clinic-c")
    refusal["provision"]["type"] = "deny"
    consent = await world.post(hospital, refusal)
    after = await found(world, clinic)
    elsewhere = await found(world, await world.client("clinic-d"))
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"})

    assert (before, after, elsewhere, await found(world, clinic)) == (1, 0, 1, 1)


async def test_who_asks_for_another_purpose_than_treatment_finds_nobody(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"find_patients": "region"})
    await world.post(await world.client("hospital-a"), someone())

    assert await found(world, await world.client("clinic-c", purpose="HRESCH")) == 0
    assert await found(world, await world.client("clinic-c", purpose="ETREAT")) == 1
