"""`$explain`: why somebody may (not) see a record, for those who answer for consent, and no oracle for others."""

from typing import Any

import pytest

from app.access.caller import ROLES
from tests.glass import PSY, a_known_person, break_glass
from tests.portal import a_browser, an_account, recorded, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


def said(answer: Any) -> dict[str, Any]:
    """Return the plain values of the Parameters, and the provisions as tuples."""
    found: dict[str, Any] = {"provisions": []}
    for one in answer.json()["parameter"]:
        if one["name"] == "provision":
            parts = {part["name"]: next(v for k, v in part.items() if k != "name") for part in one["part"]}
            found["provisions"].append((parts["effect"], parts["state"]))
        else:
            found[one["name"]] = next(value for key, value in one.items() if key != "name")
    return found


async def why(world: World, caller: dict[str, str], record: str, **asked: str) -> dict[str, Any]:
    answer = await world.http.get(f"/fhir/{record}/$explain", headers=caller, params=asked)
    assert answer.status_code == 200, answer.text
    return said(answer)


async def test_it_names_the_rule_the_label_and_the_provision(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    plain = (await world.post(hospital, an_observation(patient)))["id"]
    secret = (await world.post(hospital, an_observation(patient, meta={"security": [PSY]})))["id"]
    ask = [("Observation", plain), ("Observation", secret)]

    before = [await why(world, office, f"{t}/{i}", organization="clinic-c") for t, i in ask]
    await world.post(hospital, a_consent(patient, "clinic-c", purpose=[{"code": "TREAT"}]))
    after = [await why(world, office, f"{t}/{i}", organization="clinic-c") for t, i in ask]
    other = await why(world, office, f"Observation/{plain}", organization="hospital-b")
    research = await why(world, office, f"Observation/{plain}", organization="clinic-c", purpose="HRESCH")
    own = await why(world, office, f"Observation/{secret}", organization="hospital-a")
    clerk = await why(world, office, f"Observation/{plain}", organization="clinic-c", role="clerk")

    assert [(one["seen"], one["rule"]) for one in before] == [(False, "silent"), (False, "silent")]
    assert [(one["seen"], one["rule"]) for one in after] == [(True, "permit"), (False, "label")]
    assert after[1]["label"] == "PSY"
    assert after[0]["provisions"] == [("permit", "counts")]
    assert (other["rule"], other["provisions"]) == ("silent", [("permit", "receiver")])
    assert (research["rule"], research["provisions"]) == ("silent", [("permit", "purpose")])
    assert (own["rule"], clerk["rule"]) == ("own", "role")


async def test_as_of_an_earlier_instant_by_the_consents_of_then(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    record = f"Observation/{(await world.post(hospital, an_observation(patient)))['id']}"
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    permitted = consent["meta"]["lastUpdated"]
    withdrawn = await world.http.put(
        f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"}
    )

    now = await why(world, office, record, organization="clinic-c")
    then = await why(world, office, record, organization="clinic-c", at=permitted)
    long_ago = await why(world, office, record, organization="clinic-c", at="2001-01-01T00:00:00Z")

    assert withdrawn.status_code == 200
    assert [now["rule"], then["rule"], long_ago["rule"]] == ["silent", "permit", "not-yet"]
    # Nothing of the past is kept.
    assert (await why(world, office, record, organization="clinic-c"))["rule"] == "silent"
    clinic = await world.client("clinic-c")
    assert (await world.http.get(f"/fhir/{record}", headers=clinic)).status_code == 404


async def test_break_glass_is_named_for_the_person_who_broke_it(world: World) -> None:
    known = await a_known_person(world)
    browser, office = await signed_in(world, "clinic-c"), await world.client("secretariat", role="secretariat")
    await break_glass(browser, known.here)

    opened = await why(world, office, f"Observation/{known.ordinary}", account="doctor-clinic-c")
    closed = await why(world, office, f"Observation/{known.sensitive}", account="doctor-clinic-c")
    undelivered = await why(world, office, f"Observation/{known.undelivered}", account="doctor-clinic-c")

    assert [one["rule"] for one in (opened, closed, undelivered)] == ["break-glass", "label", "undelivered"]


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("secretariat", "auditor")])
async def test_whoever_may_not_ask_is_told_nothing(world: World, role: str) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    stranger = await world.client("clinic-c", role=role)

    answers = [
        await world.http.get(f"/fhir/Patient/{id_}/$explain?organization=clinic-c", headers=stranger)
        for id_ in (patient, "never-was")
    ]

    assert [one.status_code for one in answers] == [403, 403]
    assert answers[0].content == answers[1].content


async def test_a_head_asks_about_the_own_sites_records_alone(world: World) -> None:
    known = await a_known_person(world)
    head = a_browser(world)
    await head.sign_in(await an_account(world, "hospital-a", "clerk", name="head-a", head=True))

    own = await head.get(f"/fhir/Observation/{known.ordinary}/$explain?organization=clinic-c")
    other = await head.get(f"/fhir/Patient/{known.here}/$explain?organization=clinic-c")
    never = await head.get("/fhir/Patient/never-was/$explain?organization=clinic-c")

    assert said(own)["rule"] == "silent"
    assert [other.status_code, never.status_code] == [404, 404]
    assert other.content == never.content


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("organization=nowhere", 400),
        ("organization=clinic-c&role=king", 400),
        ("organization=clinic-c&purpose=FUN", 400),
        ("account=nobody", 400),
        ("organization=clinic-c&at=2024-01-01", 400),
        ("organization=clinic-c&at=2999-01-01T00:00:00Z", 400),
        ("organization=clinic-c&colour=red", 400),
        ("organization=clinic-c&organization=clinic-d", 400),
        ("", 400),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(world: World, asked: str, status: int) -> None:
    office = await world.client("secretariat", role="secretariat")
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]

    answer = await world.http.get(f"/fhir/Patient/{patient}/$explain?{asked}", headers=office)

    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_the_question_itself_is_on_record(world: World) -> None:
    office = await world.client("secretariat", role="secretariat")
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]

    await why(world, office, f"Patient/{patient}", organization="clinic-c")

    event = (await recorded(world))[-1]
    assert (event.patient, event.path) == (f"Patient/{patient}", f"/fhir/Patient/{patient}/$explain")
