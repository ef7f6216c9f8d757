"""Other systems open the viewer: by RAD-106 for a person who is signed in, by a link for a browser that is not.

https://www.ihe.net/resources/technical_frameworks/ (RAD TF-2: 4.106)
"""

from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from sqlalchemy import select

from app.access.image_links import LINK_SECONDS, SESSION_SECONDS
from app.access.tables import token
from app.access.tokens import digest
from app.portal.viewer.invoke import patient_identifier
from tests.app.access.test_limits import limited
from tests.app.imaging.images import CT, a_file, stored
from tests.portal import Browser, a_browser, recorded, signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

STUDY, OLDER, OTHERS = "1.2.392.77720.1", "1.2.392.77720.2", "1.2.392.77720.3"
INVOKE = "/IHEInvokeImageDisplay"


def an_image(study: str, **values: Any) -> bytes:
    place = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "SOPInstanceUID": f"{study}.1.1"}
    return a_file(CT, **{"PatientID": "P-1", "AccessionNumber": f"A-{study[-1]}", **place, **values})


async def filled(world: World) -> dict[str, str]:
    """Store two studies of a patient and one of another at the hospital; return its system's headers."""
    hospital = await world.client("hospital-a")
    images = [
        an_image(STUDY, StudyDate="20240501", StudyTime="101500"),
        an_image(OLDER, StudyDate="20200301", StudyTime="090000", Modality="MR"),
        an_image(OTHERS, PatientID="P-2", PatientName="Other"),
    ]
    await stored(world, hospital, *images)
    return hospital


ASKED = {
    f"requestType=STUDY&studyUID={STUDY}": f"/images/{STUDY}",
    f"requestType=STUDY&studyUID={STUDY},{OLDER}": f"/images/{STUDY}?prior={OLDER}",
    "requestType=STUDY&accessionNumber=A-2": f"/images/{OLDER}",
    f"requestType=STUDY&studyUID={STUDY}&keyImagesOnly=true&viewerType=IHE_BIR": f"/images/{STUDY}?keys=1",
    "requestType=PATIENT&patientID=P-1": f"/images/{STUDY}",
    "requestType=PATIENT&patientID=P-1&mostRecentResults=2": f"/images/{STUDY}?prior={OLDER}",
    "requestType=PATIENT&patientID=P-1&modalitiesInStudy=MR": f"/images/{OLDER}",
    "requestType=PATIENT&patientID=P-1&upperDateTime=2023-01-01": f"/images/{OLDER}",
    "requestType=PATIENT&patientID=P-1&lowerDateTime=2020-01-01&diagnosticQuality=true": f"/images/{STUDY}",
}


async def test_a_person_who_is_signed_in_is_led_to_the_viewer(world: World) -> None:
    await filled(world)
    browser = await signed_in(world, "hospital-a")

    answers = {asked: await browser.get(f"{INVOKE}?{asked}") for asked in ASKED}

    assert {asked: answer.headers["location"] for asked, answer in answers.items()} == ASKED
    assert {(await browser.get(page)).status_code for page in set(ASKED.values())} == {200}


async def test_what_is_asked_wrongly_is_a_400_and_what_is_hidden_is_not_there(world: World) -> None:
    await filled(world)
    hospital, clinic = await signed_in(world, "hospital-a"), await signed_in(world, "clinic-c")
    wrong = ("", "requestType=SERIES", "requestType=STUDY", "requestType=PATIENT")
    wrong += (
        "requestType=PATIENT&patientID=P-1&mostRecentResults=x",
        "requestType=PATIENT&patientID=P-1&lowerDateTime=1",
    )
    wrong += (f"requestType=STUDY&studyUID={STUDY}&keyImagesOnly=maybe",)
    asked = (f"STUDY&studyUID={STUDY}", "STUDY&accessionNumber=A-1", "PATIENT&patientID=P-1")
    unknown = ("STUDY&studyUID=1.2.3.4", "STUDY&accessionNumber=%00", "PATIENT&patientID=nobody")

    statuses = [(await hospital.get(f"{INVOKE}?{one}")).status_code for one in wrong]
    hidden = [await clinic.get(f"{INVOKE}?requestType={one}") for one in asked]
    never = [await clinic.get(f"{INVOKE}?requestType={one}") for one in unknown if "%00" not in one]

    assert statuses == [400] * len(wrong)
    assert {answer.status_code for answer in (*hidden, *never)} == {404}
    assert (await clinic.get(f"/images/{STUDY}")).status_code == 404
    assert (await hospital.get(f"{INVOKE}?requestType={unknown[1]}")).status_code in (400, 404)


async def test_numbers_that_are_tried_are_counted_as_searches_for_people(world: World) -> None:
    await filled(world)
    hospital, clinic = await signed_in(world, "hospital-a"), await signed_in(world, "clinic-c")
    asked = f"{INVOKE}?requestType=PATIENT&patientID="
    limited(world, person_searches_per_minute=1)

    own = [(await hospital.get(f"{asked}P-1")).status_code for _ in range(3)]
    others = [(await clinic.get(f"{asked}P-{number}")).status_code for number in (1, 2, 3)]
    system = await world.client("clinic-c")
    form = {"requestType": "PATIENT", "patientID": "P-1", "user": "x"}
    links = [(await world.http.post("/images/links", data=form, headers=system)).text for _ in range(11)]

    assert (own, others) == ([303] * 3, [404, 429, 429])
    assert ["too many" in text for text in links] == [False] * 10 + [True]


async def test_nobody_is_signed_in_first(world: World) -> None:
    asked = f"{INVOKE}?requestType=STUDY&studyUID={STUDY}"

    answer = await a_browser(world).get(asked)

    assert answer.headers["location"] == f"/?next={quote(asked, safe='')}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4711", ("", "4711")),
        ("4711^^^&1.2.392.100495.20.3.51.1&ISO", ("urn:oid:1.2.392.100495.20.3.51.1", "4711")),
        ("4711^^^Hospital", ("", "4711")),
        ("4711^^^Hospital&1.2.3&ISO^PI", ("urn:oid:1.2.3", "4711")),
        ("^^^&1.2.3&ISO", ("urn:oid:1.2.3", "")),
        ("4711^^^&x&ISO", ("", "4711")),
    ],
)
def test_a_patient_id_may_say_whose_it_is(text: str, found: tuple[str, str]) -> None:
    assert patient_identifier(text) == found


async def linked(world: World, caller: dict[str, str], **form: str) -> httpx.Response:
    return await world.http.post("/images/links", headers=caller, data={"user": "Dr. Ito", **form})


async def opened(world: World, url: str) -> tuple[Browser, httpx.Response]:
    """Return a browser without a session that has come by a link, and where it was led."""
    browser = a_browser(world)
    parts = urlsplit(url)
    return browser, await browser.get(f"{parts.path}?{parts.query}")


async def test_a_link_opens_one_study_once(world: World) -> None:
    hospital = await filled(world)

    made = (await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()
    ahead = await a_browser(world).http.head("{0.path}?{0.query}".format(urlsplit(made["url"])))
    browser, answer = await opened(world, made["url"])
    statuses = {
        address: (await browser.get(address, headers={"accept": "*/*"})).status_code
        for address in (
            f"/images/{STUDY}",
            f"/images/{STUDY}/pictures",
            f"/dicomweb/studies/{STUDY}/metadata",
            f"/dicomweb/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.1/frames/1",
            f"/images/{OLDER}",
            f"/images/{OTHERS}",
            f"/dicomweb/studies/{OLDER}/metadata",
            f"/dicomweb/studies/{OTHERS}/metadata",
            "/dicomweb/studies",
        )
    }
    again = (await opened(world, made["url"]))[1]

    assert made["expires_in"] == 60
    assert ahead.status_code == 405
    assert (answer.status_code, answer.headers["location"]) == (303, f"/images/{STUDY}")
    assert "renkei_images=" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert list(statuses.values()) == [200, 200, 200, 200, 404, 404, 404, 404, 404]
    assert again.status_code == 404
    assert "set-cookie" not in again.headers


async def test_a_link_to_several_studies_opens_these_and_no_other(world: World) -> None:
    hospital = await filled(world)
    third = "1.2.392.77720.4"
    await stored(world, hospital, an_image(third, StudyDate="20100301"))

    made = (await linked(world, hospital, requestType="STUDY", studyUID=f"{STUDY},{OLDER}")).json()
    browser, answer = await opened(world, made["url"])
    statuses = [
        (await browser.get(address, headers={"accept": "*/*"})).status_code
        for study in (STUDY, OLDER, third, OTHERS)
        for address in (f"/images/{study}", f"/images/{study}/contents", f"/dicomweb/studies/{study}/metadata")
    ]
    page = (await browser.get(f"/images/{STUDY}")).text

    assert answer.headers["location"] == f"/images/{STUDY}?prior={OLDER}"
    assert statuses == [200] * 6 + [404] * 6
    assert OLDER in page
    assert third not in page


async def test_a_later_link_takes_the_place_of_the_one_before(world: World) -> None:
    hospital = await filled(world)
    browser, _ = await opened(world, (await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()["url"])
    later = urlsplit((await linked(world, hospital, requestType="STUDY", studyUID=OLDER)).json()["url"])

    await browser.get(f"{later.path}?{later.query}")

    assert [(await browser.get(f"/images/{study}")).status_code for study in (STUDY, OLDER)] == [404, 200]


async def test_a_link_opens_nothing_but_images(world: World) -> None:
    hospital = await filled(world)
    url = (await linked(world, hospital, requestType="PATIENT", patientID="P-1")).json()["url"]
    browser, answer = await opened(world, url)
    secret = browser.http.cookies["renkei_images"]

    pages = [await browser.get(address) for address in ("/patients", "/account", "/break-glass", "/fhir/ImagingStudy")]
    page = await browser.get(f"/images/{STUDY}/pictures")
    its = {"Authorization": f"Bearer {secret}"}
    bearer = await world.http.get("/fhir/ImagingStudy", headers=its)
    asked = await world.http.post("/oauth/introspect", headers=its, data={"token": secret})
    launch = await world.http.post("/oauth/launch", headers=its, data={"client_id": "nobody"})
    more = await linked(world, its, requestType="PATIENT", patientID="P-1")
    store = await browser.http.post("/dicomweb/studies", content=b"")

    assert answer.headers["location"] == f"/images/{STUDY}"
    assert [one.status_code for one in pages] == [303, 303, 303, 401]
    assert 'href="/patients' not in page.text
    assert [one.status_code for one in (bearer, store, asked, launch, more)] == [401] * 5
    assert (await browser.get(f"/images/{OLDER}")).status_code == 200
    assert (await browser.get(f"/images/{OTHERS}")).status_code == 404


async def test_a_link_and_what_comes_of_it_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await filled(world)
    late = (await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()["url"]
    used = (await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()["url"]
    browser, _ = await opened(world, used)
    now = world.hub.clock()

    monkeypatch.setattr(world.hub, "clock", lambda: now + (LINK_SECONDS + 1) * 1_000_000)
    assert (await opened(world, late))[1].status_code == 404
    assert (await browser.get(f"/images/{STUDY}")).status_code == 200

    monkeypatch.setattr(world.hub.callers, "_clock", lambda: now + (SESSION_SECONDS + 120) * 1_000_000)
    assert (await browser.get(f"/images/{STUDY}")).status_code == 303
    assert (await browser.get(f"/dicomweb/studies/{STUDY}/metadata")).status_code == 401


async def test_a_link_is_made_by_systems_that_may_see_the_study(world: World) -> None:
    hospital = await filled(world)
    clinic = await world.client("clinic-c")
    doctor = await signed_in(world, "hospital-a")
    asked = {"requestType": "STUDY", "studyUID": STUDY}

    hidden, never = await linked(world, clinic, **asked), await linked(world, clinic, **asked | {"studyUID": "1.2.3.4"})
    nobody = await world.http.post("/images/links", data={"user": "a", **asked})
    unnamed = await world.http.post("/images/links", headers=hospital, data=asked)
    person = await doctor.http.post("/images/links", data={"user": "a", **asked})

    assert (hidden.status_code, hidden.json()) == (never.status_code, never.json())
    assert hidden.json()["error"] == "invalid_request"
    assert [one.status_code for one in (nobody, unnamed, person)] == [401, 400, 401]


async def test_a_token_makes_no_link_to_more_than_it_opens(world: World) -> None:
    hospital = await filled(world)
    asked = {"requestType": "STUDY", "studyUID": STUDY}
    narrow = {}
    for scope in (
        "system/ImagingStudy.rs",
        "system/Patient.rs",
        "system/ImagingStudy.rs?status=available system/Patient.rs",
    ):
        narrow[scope] = (await linked(world, await scoped(world, hospital, scope), **asked)).status_code

    assert list(narrow.values()) == [400, 400, 400]
    both = await scoped(world, hospital, "system/ImagingStudy.rs system/Patient.rs")
    assert (await linked(world, both, **asked)).status_code == 200


async def scoped(world: World, caller: dict[str, str], scope: str) -> dict[str, str]:
    """Return the headers of the same system with a token for less."""
    secret = f"less-{scope}"
    rows = await world.hub.database.reader.fetch(
        select(token.c.client, token.c.ends).where(token.c.digest == digest(caller["Authorization"][7:])), {}
    )
    async with world.hub.database.write() as connection:
        await connection.insert(token, [(digest(secret), rows[0][0], "TREAT", scope, rows[0][1])])
    return {"Authorization": f"Bearer {secret}"}


async def test_a_consent_that_is_withdrawn_closes_what_a_link_opened(world: World) -> None:
    hospital = await filled(world)
    clinic = await world.client("clinic-c")
    patient = (await world.http.get("/fhir/Patient?identifier=P-1", headers=hospital)).json()["entry"][0]["resource"]
    consent = await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    url = (await linked(world, clinic, requestType="STUDY", studyUID=STUDY)).json()["url"]
    browser, _ = await opened(world, url)
    before = (await browser.get(f"/dicomweb/studies/{STUDY}/metadata")).status_code

    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=consent | {"status": "inactive"})

    assert before == 200
    assert (await browser.get(f"/dicomweb/studies/{STUDY}/metadata")).status_code == 404
    assert (await browser.get(f"/images/{STUDY}")).status_code == 404


async def test_the_log_says_who_made_a_link_for_whom_and_what_was_seen(world: World) -> None:
    hospital = await filled(world)
    url = (await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()["url"]
    browser, _ = await opened(world, url)
    await browser.get(f"/dicomweb/studies/{STUDY}/metadata")

    events = [one for one in await recorded(world) if one.interaction in ("image-link", "wado")]

    assert [(one.interaction, one.user) for one in events] == [
        ("image-link", "Dr. Ito"),
        ("image-link", "Dr. Ito"),
        ("wado", "Dr. Ito"),
    ]
    assert events[2].client == "hospital-a-system"
    assert events[2].entities == (f"urn:oid:{STUDY}",)
    assert len({one.patient for one in events}) == 1


async def test_each_person_who_comes_by_a_link_of_one_system_is_in_the_log(world: World) -> None:
    hospital = await filled(world)
    for user in ("Dr. Ito", "Dr. Mori", "Dr. Ito"):
        url = (await linked(world, hospital, requestType="STUDY", studyUID=STUDY, user=user)).json()["url"]
        browser, _ = await opened(world, url)
        for _ in range(2):
            (await browser.get(f"/dicomweb/studies/{STUDY}/metadata")).raise_for_status()

    assert [one.user for one in await recorded(world) if one.interaction == "wado"] == ["Dr. Ito", "Dr. Mori"]


async def test_whoever_signs_out_leaves_no_images_behind_that_a_link_opened(world: World) -> None:
    hospital = await filled(world)
    url = urlsplit((await linked(world, hospital, requestType="STUDY", studyUID=STUDY)).json()["url"])
    browser = await signed_in(world, "hospital-a")
    answer = await browser.get(f"{url.path}?{url.query}")

    await browser.post("/sign-out", {})

    assert "max-age" not in answer.headers["set-cookie"].lower()
    assert (await browser.get(f"/images/{STUDY}")).status_code == 303
    assert (await browser.get(f"/dicomweb/studies/{STUDY}/metadata")).status_code == 401
