"""Images that a rejection note says not to use: they stand for nothing, and are shown nowhere but on request."""

import re

import pytest

from app.imaging.rejected import rejected_by
from dicom.reports.content import read_report
from dicom.reports.key_images import key_images
from tests.app.imaging.images import CT, a_file, address, stored
from tests.portal import Browser, signed_in
from tests.reports import model_of, picture, some_key_images
from tests.world import World

pytestmark = pytest.mark.anyio

STUDY, SERIES = "1.2.392.66.1", "1.2.392.66.2"
IMAGES = [f"1.2.392.66.3.{number}" for number in (1, 2, 3)]
QUALITY = ("113001", "DCM", "Rejected for Quality Reasons")
SAFETY = ("113037", "DCM", "Rejected for Patient Safety Reasons")
OF_INTEREST = ("113000", "DCM", "Of Interest")


def an_image(number: int) -> bytes:
    place = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": IMAGES[number - 1]}
    return a_file(CT, PatientID="P1", InstanceNumber=number, **place)


def a_note(*numbers: int, title: tuple[str, str, str], instance: str = "1.2.392.66.71") -> bytes:
    named = [picture(IMAGES[number - 1]) for number in numbers]
    return some_key_images(*named, title=title, instance=instance)


async def thumbnail(browser: Browser, of: str) -> tuple[int, bytes]:
    answer = await browser.get(f"/dicomweb/studies/{STUDY}/{of}/thumbnail", headers={"accept": "image/jpeg"})
    return answer.status_code, answer.content


async def pictured(browser: Browser, asked: str = "") -> tuple[list[str], str]:
    """Return the instances whose pictures a telephone is shown, one after the other, and the page of the first."""
    pages = [(await browser.get(f"/images/{STUDY}/pictures?lang=en&number={n}{asked}")).text for n in (1, 2, 3)]
    found = [re.findall(r'<img src="[^"]*/instances/([0-9.]+)/frames', page) for page in pages]
    return list(dict.fromkeys(uid for one in found for uid in one)), pages[0]


def test_notes_say_what_they_reject_and_the_graver_reason_counts() -> None:
    notes = [
        a_note(1, 2, title=QUALITY),
        a_note(2, title=SAFETY),
        a_note(2, title=QUALITY),
        a_note(3, title=OF_INTEREST),
        a_note(3, title=("113001", "99LOCAL", "Something else")),
    ]

    found = rejected_by(key_images(read_report(model_of(one))) for one in notes)

    assert found == {IMAGES[0]: "113001", IMAGES[1]: "113037"}


@pytest.mark.parametrize("first", ["images", "note"])
async def test_a_rejected_image_is_passed_over_whichever_came_first_until_its_note_is_gone(
    world: World, first: str
) -> None:
    site = await world.client("hospital-a")
    note, images = a_note(2, title=SAFETY), [an_image(number) for number in (1, 2, 3)]
    for part in ([note], images) if first == "note" else (images, [note]):
        await stored(world, site, *part)
    browser = await signed_in(world, "hospital-a")

    rejecting, page = await pictured(browser)
    asked_for, _ = await pictured(browser, "&rejected=1")
    (await world.http.delete(address(note), headers=site)).raise_for_status()
    afterwards, _ = await pictured(browser)

    assert rejecting == asked_for == [IMAGES[0], IMAGES[2]]
    assert "1 pictures are not shown: Rejected for Patient Safety Reasons" in page
    assert "rejected=1" not in page
    assert afterwards == IMAGES


async def test_what_was_rejected_for_its_quality_is_shown_to_whoever_asks_with_the_reason(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, *(an_image(number) for number in (1, 2)), a_note(1, title=QUALITY))
    browser = await signed_in(world, "hospital-a")

    shown, page = await pictured(browser)
    asked_for, with_it = await pictured(browser, "&rejected=1")

    assert shown == [IMAGES[1]]
    assert "rejected=1" in page
    assert asked_for == IMAGES[:2]
    assert "⊘ Rejected for Quality Reasons" in with_it


async def test_thumbnails_pass_over_it_and_the_image_itself_is_still_given(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, *(an_image(number) for number in (1, 2)), a_note(2, title=SAFETY))
    browser = await signed_in(world, "hospital-a")
    of_first = await thumbnail(browser, f"series/{SERIES}/instances/{IMAGES[0]}")

    found = [await thumbnail(browser, f"series/{SERIES}")]
    await stored(world, site, a_note(1, title=SAFETY, instance="1.2.392.66.72"))
    found.append(await thumbnail(browser, f"series/{SERIES}"))
    kept = await world.http.get(f"/dicomweb/studies/{STUDY}/series/{SERIES}/metadata", headers=site)

    assert of_first[0] == 200
    assert [status for status, _ in found] == [200, 404]
    assert found[0] == of_first
    assert len(kept.json()) == 2


async def test_the_page_of_a_study_names_the_reason_and_shows_none_of_them(world: World) -> None:
    site = await world.client("hospital-a")
    marked = a_note(1, 2, title=OF_INTEREST, instance="1.2.392.66.72")
    await stored(world, site, *(an_image(number) for number in (1, 2)), a_note(2, title=SAFETY), marked)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(f"/studies/{STUDY}?lang=en")).text

    assert "Rejected for Patient Safety Reasons" in page
    assert "1 images are not to be used" in page
    assert f"/instances/{IMAGES[0]}/frames" in page
    assert f"/instances/{IMAGES[1]}/frames" not in page
