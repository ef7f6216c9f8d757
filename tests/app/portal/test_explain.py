import pytest

from tests.glass import a_known_person
from tests.portal import a_browser, an_account, recorded, signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio


async def test_the_page_says_in_words_why_a_record_is_not_seen(world: World) -> None:
    known = await a_known_person(world)
    await world.post(await world.client("hospital-a"), a_consent(known.there, "hospital-b"))
    office = await signed_in(world, "secretariat", "secretariat")

    page = await office.get(f"/explain?record=Observation/{known.ordinary}&organisation=clinic-c&role=doctor")
    english = await office.get(
        f"/explain?record=Observation/{known.ordinary}&organisation=hospital-b&role=doctor&lang=en"
    )

    assert page.status_code == 200
    assert all(text in page.text for text in ("見えない", "許可する同意がありません", "別の施設に対するものです"))
    assert all(text in english.text for text in ("Seen", "A consent permits it", "counts"))
    event = (await recorded(world))[-1]
    assert (event.patient, event.path) == (f"Patient/{known.there}", "/explain")


@pytest.mark.parametrize(
    "asked",
    ["record=Observation/never", "record=x", "organisation=nowhere", "role=king", "purpose=FUN", "at=never"],
)
async def test_what_cannot_be_answered_is_said(world: World, asked: str) -> None:
    known = await a_known_person(world)
    office = await signed_in(world, "secretariat", "secretariat")
    rest = {"record": f"record=Observation/{known.ordinary}", "organisation": "organisation=clinic-c"}
    rest.pop(asked.partition("=")[0], None)

    page = await office.get(f"/explain?{'&'.join([*rest.values(), asked])}")

    assert page.status_code == 400
    assert 'role="alert"' in page.text


async def test_a_doctor_does_not_open_it_and_a_head_asks_about_the_own_site(world: World) -> None:
    known = await a_known_person(world)
    doctor, head = await signed_in(world, "clinic-c"), a_browser(world)
    await head.sign_in(await an_account(world, "hospital-a", "doctor", name="head-a", head=True))

    own = await head.get(f"/explain?record=Observation/{known.ordinary}&organisation=clinic-c")
    other = await head.get(f"/explain?record=Patient/{known.here}&organisation=clinic-c")

    assert (await doctor.get("/explain")).status_code == 403
    assert [own.status_code, other.status_code] == [200, 400]
