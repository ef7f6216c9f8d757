"""A page that was printed is on record as its patient's; of a page that is hidden nothing is said."""

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.portal import SAME_SITE, Browser, an_account
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_a_printed_page_is_its_patients_event(settings: Settings, world: World) -> None:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    browser = Browser(world.http)
    await browser.sign_in(await an_account(world, "hospital-a", "doctor"))
    page = (await browser.get(f"/patients/{patient}")).text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]

    for address in (f"/patients/{patient}?view=all", "/account"):
        form = {"csrf": csrf, "page": address}
        answer = await world.http.post("/printed", data=form, headers=SAME_SITE)
        assert (answer.status_code, answer.content) == (204, b"")
    unknown = await world.http.post("/printed", data={"csrf": csrf, "page": "/patients/nobody"}, headers=SAME_SITE)
    forged = await world.http.post("/printed", data={"page": "/account"}, headers=SAME_SITE)

    assert (unknown.status_code, forged.status_code) == (404, 403)
    told = [one for one in await recorded(settings) if one.interaction == "print"]
    assert [(one.patient, one.outcome) for one in told][:3] == [(f"Patient/{patient}", "0"), (None, "0"), (None, "4")]
    assert told[0].query == f"page=%2Fpatients%2F{patient}%3Fview%3Dall"
