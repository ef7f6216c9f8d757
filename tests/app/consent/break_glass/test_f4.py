"""F4 of the attack catalogue, line by line: break-glass without reason, of a wrong role, over scope, unnoticed."""

from typing import Any

import pytest

from tests.glass import a_known_person, break_glass, reads, same
from tests.people import later
from tests.portal import PASSWORD, a_browser, an_account, recorded, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "missing",
    [{"code": ""}, {"code": "curiosity"}, {"reason": ""}, {"reason": "急"}, {"reason": "あ" * 501}],
    ids=["no code", "an unknown code", "no words", "too few words", "too many words"],
)
async def test_f4_without_a_reason_nothing_opens(world: World, missing: dict[str, str]) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")

    answer = await break_glass(browser, known.here, **missing)

    assert answer.status_code == 400
    assert await reads(browser, known.ordinary) == [404]


async def test_f4_without_the_proof_of_who_it_is_nothing_opens(world: World) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")

    answer = await break_glass(browser, known.here, password="not-the-password-1")

    assert answer.status_code == 400
    assert await reads(browser, known.ordinary) == [404]
    tried = [one for one in await recorded(world) if one.interaction == "break-glass"]
    assert [(one.outcome, one.patient) for one in tried] == [("8", f"Patient/{known.here}")]


@pytest.mark.parametrize("role", ["nurse", "pharmacist", "clerk"])
async def test_f4_a_role_that_may_not_opens_nothing(world: World, role: str) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c", role)

    answers = [await browser.get(f"/break-glass?patient={known.here}"), await break_glass(browser, known.here)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert await reads(browser, known.ordinary) == [404]


async def test_f4_it_opens_the_record_of_one_person_and_nothing_that_is_closed_for_good(world: World) -> None:
    known = await a_known_person(world)
    hospital = await world.client("hospital-a")
    other = (await world.post(hospital, a_patient()))["id"]
    of_other = (await world.post(hospital, an_observation(other)))["id"]
    browser = await signed_in(world, "clinic-c")
    colleague = a_browser(world)
    await colleague.sign_in(await an_account(world, "clinic-c", "doctor", name="dr-two"))

    answer = await break_glass(browser, known.here)

    assert answer.headers["location"] == f"/patients/{known.here}"
    assert await reads(browser, known.ordinary) == [200]
    assert await reads(browser, known.sensitive, known.undelivered, of_other) == [404, 404, 404]
    assert (await browser.get(f"/fhir/Patient/{known.there}")).status_code == 200
    assert (await browser.get(f"/fhir/Patient/{other}")).status_code == 404
    assert await reads(colleague, known.ordinary) == [404]
    assert (await browser.get("/fhir/Observation?_summary=count")).json()["total"] == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"type": "deny"}, 404),
        ({"type": "deny", "purpose": [{"code": "BTG"}]}, 404),
        ({"type": "deny", "purpose": [{"code": "TREAT"}]}, 200),
        ({"type": "permit", "purpose": [{"code": "HRESCH"}]}, 200),
    ],
    ids=["a denial of all", "a denial of break-glass", "a denial of treatment", "a permit of something else"],
)
async def test_f4_what_the_person_denies_for_an_emergency_stays_closed(
    world: World, said: dict[str, Any], status: int
) -> None:
    known = await a_known_person(world)
    await world.post(await world.client("hospital-a"), a_consent(known.there, "clinic-c", **said))
    browser = await signed_in(world, "clinic-c")

    await break_glass(browser, known.here)

    assert await reads(browser, known.ordinary) == [status]


@pytest.mark.parametrize(("policy", "status"), [("deny", 404), ("break-glass-only", 200)])
async def test_f4_the_policies_of_pcf_hold(world: World, policy: str, status: int) -> None:
    known = await a_known_person(world)
    consent = a_consent(known.there, "clinic-c") | {
        "policy": [{"uri": f"https://profiles.ihe.net/ITI/PCF/Policy-{policy}"}]
    }
    await world.post(await world.client("hospital-a"), consent)
    browser = await signed_in(world, "clinic-c")
    before = await reads(browser, known.ordinary)

    await break_glass(browser, known.here)

    assert [before, await reads(browser, known.ordinary)] == [[404], [status]]


async def test_f4_the_desk_records_that_somebody_excludes_all_but_emergencies(world: World) -> None:
    known = await a_known_person(world)
    desk, browser = await signed_in(world, "hospital-a", "clerk"), await signed_in(world, "clinic-c")

    done = await desk.post("/consents", {"patient": known.there, "effect": "emergency"})
    before = await reads(browser, known.ordinary)
    await break_glass(browser, known.here)

    assert done.status_code == 303
    assert "（緊急開示を除く）" in (await desk.get(f"/consents?patient={known.there}")).text
    assert [before, await reads(browser, known.ordinary)] == [[404], [200]]


async def test_f4_a_label_opens_where_the_person_permitted_it_for_emergencies(world: World) -> None:
    from tests.glass import PSY

    known = await a_known_person(world)
    consent = a_consent(known.there, "clinic-c", securityLabel=[PSY], purpose=[{"code": "BTG"}])
    await world.post(await world.client("hospital-a"), consent)
    browser = await signed_in(world, "clinic-c")

    await break_glass(browser, known.here)

    assert await reads(browser, known.ordinary, known.sensitive, known.undelivered) == [200, 200, 404]


async def test_f4_it_ends_by_itself_and_nobody_who_was_linked_later_is_opened(world: World) -> None:
    known = await a_known_person(world)
    hospital = await world.client("hospital-b")
    late = (await world.post(hospital, a_patient()))["id"]
    of_late = (await world.post(hospital, an_observation(late)))["id"]
    browser = await signed_in(world, "clinic-c")
    await break_glass(browser, known.here)
    await same(world, known.here, late)

    # hospital-b was not told: nothing of it opens.
    while_open = await reads(browser, known.ordinary, of_late)
    later(world, 10)
    still = await reads(browser, known.ordinary)
    for _ in range(5):
        await browser.get("/session")
        later(world, 11)
    after = await reads(browser, known.ordinary)

    assert [while_open, still, after] == [[200, 404], [200], [404]]


async def test_f4_it_writes_nothing(world: World) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")
    await break_glass(browser, known.here)

    marked = await browser.post(f"/flags/Observation/{known.ordinary}", {"flag": "UNDELIVERED"})

    assert marked.status_code == 403
    assert (await browser.http.put(f"/fhir/Observation/{known.ordinary}", json={})).status_code == 401


async def test_f4_it_is_on_record_and_told_before_anything_is_read(world: World) -> None:
    known = await a_known_person(world)
    await an_account(world, "hospital-a", "clerk", name="head-a", head=True)
    browser, head = await signed_in(world, "clinic-c"), a_browser(world)

    await break_glass(browser, known.here)
    await reads(browser, known.ordinary)
    events = await recorded(world)

    begun = [one for one in events if one.interaction == "break-glass"]
    shown = [one for one in events if one.interaction == "read" and one.purpose == "BTG"]
    assert {one.patient for one in begun} == {f"Patient/{known.here}", f"Patient/{known.there}"}
    assert all(one.purpose == "BTG" and "意識不明で搬送された" in one.description for one in begun)
    assert [(one.patient, one.custodian) for one in shown] == [(f"Patient/{known.there}", "Organization/hospital-a")]
    assert max(one.recorded for one in begun) <= min(one.recorded for one in shown)
    await head.sign_in("head-a", PASSWORD)
    inbox = await head.get("/break-glass/cases")
    assert "意識不明で搬送された" in inbox.text
    assert 'class="unread"' in inbox.text


async def test_f4_what_is_open_is_said_on_every_page_and_in_every_answer(world: World) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")
    plain = await browser.get(f"/fhir/Patient/{known.here}")
    await break_glass(browser, known.here)

    answer, page = await browser.get(f"/fhir/Observation/{known.ordinary}"), await browser.get("/patients")

    assert "x-renkei-break-glass" not in plain.headers
    assert "until=" in answer.headers["x-renkei-break-glass"]
    assert "緊急開示中" in page.text
