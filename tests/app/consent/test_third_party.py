"""個人情報保護法 第29条・第30条: what a site gave to another is on record, and what is no such provision is not."""

import csv
import io

import pytest

from app.audit.record import Event
from app.consent.third_party import Provision, is_provision, to_csv
from tests.portal import signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def a_provision(world: World) -> tuple[str, str]:
    """Let clinic-c read what hospital-a keeps, and return the ids of the Patient and of the Consent."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]
    consent = (await world.post(hospital, a_consent(patient, "clinic-c")))["id"]
    for reader in (hospital, clinic):
        answer = await world.http.get(f"/fhir/Observation/{observation}", headers=reader)
        assert answer.status_code == 200
    await world.http.get(f"/fhir/Observation/{observation}", headers=await world.client("clinic-d"))
    await world.hub.leader.integrate_all()
    return patient, consent


async def lines(world: World, site: str, role: str, query: str = "") -> list[dict[str, str]]:
    browser = await signed_in(world, site, role)
    answer = await browser.get(f"/third-party?format=csv{query}")
    assert answer.status_code == 200, answer.text
    assert "third-party-provisions.csv" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_who_gave_what_of_whom_to_whom_and_by_which_consent_is_on_record(world: World) -> None:
    patient, consent = await a_provision(world)

    (line,) = await lines(world, "hospital-a", "clerk")

    assert line["provider"] == "hospital-a"
    assert (line["receiver"], line["receiver_number"]) == ("clinic-c", "0110000003")
    assert (line["patient"], line["name"]) == (f"Patient/{patient}", "山田 太郎")
    assert (line["items"], line["purpose"]) == ("Observation", "TREAT")
    assert line["consent"] == f"Consent/{consent}/_history/1"
    assert line["person"] == "clinic-c-system"


async def test_the_receiver_has_the_same_record_without_what_it_was_not_told(world: World) -> None:
    patient, _ = await a_provision(world)

    (line,) = await lines(world, "clinic-c", "clerk")

    assert (line["provider"], line["patient"], line["name"]) == ("hospital-a", f"Patient/{patient}", "")


async def test_another_site_sees_none_of_it_whatever_it_asks_for(world: World) -> None:
    patient, _ = await a_provision(world)

    assert await lines(world, "clinic-d", "clerk", f"&site=hospital-a&patient={patient}") == []


async def test_the_consent_on_record_is_the_one_of_that_time(world: World) -> None:
    patient, consent = await a_provision(world)
    hospital = await world.client("hospital-a")
    stored = (await world.http.get(f"/fhir/Consent/{consent}", headers=hospital)).json()
    await world.http.put(f"/fhir/Consent/{consent}", headers=hospital, json={**stored, "status": "inactive"})

    (line,) = await lines(world, "audit-office", "auditor", f"&patient={patient}&site=clinic-c")

    assert line["consent"] == f"Consent/{consent}/_history/1"


async def test_the_page_shows_them_to_those_who_keep_them(world: World) -> None:
    await a_provision(world)
    clerk, doctor = await signed_in(world, "hospital-a", "clerk"), await signed_in(world, "hospital-a")

    page = await clerk.get("/third-party")

    assert "第三者提供の記録" in page.text
    assert "本人の同意あり" in page.text
    assert (await doctor.get("/third-party")).status_code == 403


GIVEN = Event(
    recorded=0,
    action="R",
    interaction="read",
    patient="Patient/1",
    custodian="Organization/a",
    organisation="Organization/b",
    role="doctor",
)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (GIVEN, True),
        (GIVEN._replace(organisation="Organization/a"), False),
        (GIVEN._replace(role="secretariat"), False),
        (GIVEN._replace(outcome="4"), False),
        (GIVEN._replace(patient=None), False),
        (GIVEN._replace(interaction="link", action="U"), False),
    ],
    ids=["to another site", "to the own site", "on the sites' behalf", "refused", "about nobody", "linked only"],
)
def test_what_is_a_provision_to_a_third_party(event: Event, expected: bool) -> None:
    assert is_provision(event) is expected


def test_no_cell_is_a_formula() -> None:
    one = Provision(*[""] * 13)

    assert to_csv([one], header=False) == "," * 12 + "\r\n"
    formula = Provision("=1+1", *[""] * 12)
    assert to_csv([formula], header=False).startswith("'=1+1,")
