"""Pictures that the hub renders, a page each: for a telephone, or a browser without scripts."""

import re

import pytest

from app.portal.viewer.page import WINDOWS
from app.portal.viewer.plain import place_of
from fhir.errors import NotFound
from tests.app.imaging.images import CT, MULTI_FRAME, REPORT, a_file, stored, uids
from tests.portal import signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("number", "found"), [(1, ("a", 1)), (2, ("c", 1)), (4, ("c", 3))])
def test_pictures_are_counted_over_the_frames_of_all_instances(number: int, found: tuple[str, int]) -> None:
    assert place_of([("a", 1), ("b", 0), ("c", 3)], number) == found


@pytest.mark.parametrize("number", [0, 5])
def test_there_are_no_others(number: int) -> None:
    with pytest.raises(NotFound):
        place_of([("a", 1), ("b", 0), ("c", 3)], number)


async def test_a_frame_is_shown_with_the_way_to_its_neighbours(world: World) -> None:
    image = a_file(MULTI_FRAME)
    study, series, instance = uids(image)
    await stored(world, await world.client("hospital-a"), image)
    browser = await signed_in(world, "hospital-a")
    address = f"/images/{study}/pictures?series={series}&number=12"

    page = (await browser.get(address)).text
    picture = f"/dicomweb/studies/{study}/series/{series}/instances/{instance}/frames/12/rendered"

    assert f'<img src="{picture}?annotation=overlay"' in page
    assert "12 / 30" in page
    assert re.findall(r'number=(\d+)" (?:rel|aria)', page.replace("&amp;", "&")) == ["1", "2", "11", "13", "22", "30"]
    assert (await browser.get(picture)).headers["content-type"] == "image/jpeg"


async def test_the_windows_of_ct_are_links(world: World) -> None:
    image = a_file(CT)
    study = uids(image)[0]
    await stored(world, await world.client("hospital-a"), image)
    browser = await signed_in(world, "hospital-a")

    pages = [
        (await browser.get(f"/images/{study}/pictures{asked}")).text for asked in ("", "?window=bone", "?window=x")
    ]

    assert [name for name in WINDOWS if f"window={name}" in pages[0]] == ["soft", "lung", "bone", "brain"]
    assert [re.findall(r"rendered\?annotation=overlay&amp;window=([^\"]*)", page) for page in pages] == [
        [],
        ["480,2500"],
        [],
    ]


async def test_a_study_without_pictures_says_so(world: World) -> None:
    report = a_file(REPORT, PatientID="P-1")
    await stored(world, await world.client("hospital-a"), report)
    browser = await signed_in(world, "hospital-a")

    answer = await browser.get(f"/images/{uids(report)[0]}/pictures")

    assert answer.status_code == 200
    assert "表示できる画像がありません" in answer.text
