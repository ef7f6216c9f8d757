"""The patterns of consent that Japanese networks use, each as a FHIR Consent and as what another site sees by it.

https://renkei-support.mhlw.go.jp/process3_4
"""

from typing import Any

import pytest

from tests.portal import a_browser, an_account
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

ACCOUNT = "http://renkei.example/fhir/NamingSystem/account"
CATEGORY = "http://renkei.example/fhir/CodeSystem/category"


async def people(world: World) -> dict[str, str]:
    """Write one person's Patients at two hospitals, a result at each, and return the ids of the Patients."""
    made = {}
    for site in ("hospital-a", "hospital-b"):
        headers = await world.client(site)
        member = {
            "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID",
            "value": "00012345:あいう:123:01",
        }
        made[site] = (await world.post(headers, a_patient(identifier=[member])))["id"]
        await world.post(headers, an_observation(made[site]))
    return made


async def decided(world: World, patient: str, *consents: dict[str, Any], site: str = "hospital-a") -> None:
    for provision in consents:
        await world.post(await world.client(site), a_consent(patient, "clinic-c", **provision))


def actor(role: str, *sites: str) -> list[dict[str, Any]]:
    concept = {"coding": [{"code": role}]}
    return [{"role": concept, "reference": {"reference": f"Organization/{site}"}} for site in sites]


async def seen(world: World, *sites: str, query: str = "Observation") -> list[int]:
    return [await world.total(await world.client(site), query) for site in sites]


async def test_all_sites(world: World) -> None:
    """一括同意."""
    made = await people(world)
    await decided(world, made["hospital-a"], {"actor": actor("CST", "hospital-a", "hospital-b")})

    assert await seen(world, "clinic-c", "clinic-d") == [2, 2]


async def test_a_list_of_sites(world: World) -> None:
    """施設リスト."""
    made = await people(world)
    await decided(world, made["hospital-a"], {"actor": actor("IRCP", "clinic-c", "hospital-b")})

    assert await seen(world, "clinic-c", "clinic-d", "hospital-b") == [2, 0, 2]


async def test_a_pair_of_sites(world: World) -> None:
    """施設間: one site's records to one other."""
    made = await people(world)
    pair = actor("CST", "hospital-a") + actor("IRCP", "clinic-c")
    await decided(world, made["hospital-a"], {"actor": pair})

    assert await seen(world, "clinic-c", "clinic-d", "hospital-b") == [1, 0, 1]


async def test_a_person(world: World) -> None:
    """個人: one doctor, and nobody else of the same site."""
    made = await people(world)
    names = [await an_account(world, "clinic-c", "doctor", name=name) for name in ("dr-sato", "dr-kato")]
    reference = {"identifier": {"system": ACCOUNT, "value": "dr-sato"}}
    await decided(
        world, made["hospital-a"], {"actor": [{"role": {"coding": [{"code": "IRCP"}]}, "reference": reference}]}
    )
    answers = []
    for name in names:
        browser = a_browser(world)
        await browser.sign_in(name)
        answers.append((await browser.get(f"/patients/{made['hospital-a']}")).status_code)

    assert answers == [200, 404]


async def test_a_category(world: World) -> None:
    """種類ごと."""
    made = await people(world)
    await decided(world, made["hospital-a"], {"class": [{"system": CATEGORY, "code": "identity"}]})

    assert await seen(world, "clinic-c") == [0]
    assert await seen(world, "clinic-c", query="Patient") == [2]


async def test_the_exclusion_of_a_site(world: World) -> None:
    """施設の除外."""
    made = await people(world)
    everywhere = {"actor": actor("CST", "hospital-a", "hospital-b")}
    await decided(world, made["hospital-a"], everywhere, {"type": "deny", "actor": actor("IRCP", "clinic-d")})

    assert await seen(world, "clinic-c", "clinic-d") == [2, 0]


async def test_the_exclusion_of_a_person(world: World) -> None:
    """個人の除外."""
    made = await people(world)
    await an_account(world, "clinic-c", "doctor", name="dr-kato")
    reference = {"identifier": {"system": ACCOUNT, "value": "dr-kato"}}
    excluded = {"actor": [{"role": {"coding": [{"code": "IRCP"}]}, "reference": reference}]}
    await decided(world, made["hospital-a"], {}, {"type": "deny", **excluded})
    browser = a_browser(world)
    await browser.sign_in("dr-kato")

    assert (await browser.get(f"/patients/{made['hospital-a']}")).status_code == 404
    assert await seen(world, "clinic-c") == [2]


async def test_a_consent_recorded_at_one_site_speaks_for_the_person_at_all(world: World) -> None:
    made = await people(world)
    await decided(world, made["hospital-b"], {}, site="hospital-b")

    assert await seen(world, "clinic-c") == [2]


async def test_a_consent_that_names_a_second_patient_is_its_own_patients(world: World) -> None:
    """A parent who is a patient of the same site decides for the child."""
    hospital = await world.client("hospital-a")
    child, mother = [
        (await world.post(hospital, a_patient(birthDate=day)))["id"] for day in ("2020-05-01", "1990-01-01")
    ]
    consent = {**a_consent(child, "clinic-c"), "performer": [{"reference": f"Patient/{mother}"}]}
    stored = await world.post(hospital, consent)
    clinic = await world.client("clinic-c")
    found = [(await world.http.get(f"/fhir/Patient/{one}", headers=clinic)).status_code for one in (child, mother)]

    await world.http.put(f"/fhir/Consent/{stored['id']}", headers=hospital, json={**stored, "status": "inactive"})

    assert found == [200, 404]
    assert await seen(world, "clinic-c", query="Patient") == [0]


@pytest.mark.parametrize(
    ("flag", "counts"), [("UNDELIVERED", [0, 1]), ("UNINFORMED", [1, 1])], ids=["未提供", "未告知"]
)
async def test_what_is_not_provided_goes_nowhere_and_what_is_not_told_goes_with_its_mark(
    world: World, flag: str, counts: list[int]
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await decided(world, patient, {})
    stored = await world.post(hospital, an_observation(patient))
    meta = {"security": [{"system": "http://renkei.example/fhir/CodeSystem/disclosure", "code": flag}]}
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}

    answer = await world.http.post(f"/fhir/Observation/{stored['id']}/$meta-add", headers=hospital, json=body)

    assert answer.status_code == 200, answer.text
    assert await seen(world, "clinic-c", "hospital-a") == counts


async def test_excluding_a_period_does_not_hide_who_the_person_is_unless_it_says_so(world: World) -> None:
    made = await people(world)
    year = {"dataPeriod": {"start": "2024-01-01", "end": "2024-12-31"}}
    await decided(world, made["hospital-a"], {}, {"type": "deny", **year})
    before = await seen(world, "clinic-c", query="Patient"), await seen(world, "clinic-c")
    named = {"class": [{"system": CATEGORY, "code": "identity"}]}
    await decided(world, made["hospital-a"], {"type": "deny", **year, **named})

    assert before == ([2], [0])
    assert await seen(world, "clinic-c", query="Patient") == [0]
