"""What a study is said to be, by every door and whatever came first; and how often its ImagingStudy is written."""

from itertools import permutations
from typing import Any

import pytest

from tests.app.imaging.dimse.test_store import data_set, sent
from tests.app.imaging.images import CT, a_file, address, stored, uids
from tests.app.imaging.sources.region import KOS, a_manifest, a_source
from tests.app.imaging.test_disclosure import the_patient
from tests.dimse import a_node, aside, associating
from tests.pacs import a_pacs
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
FIRST = a_file(CT, StudyDate="20220822", StudyTime="083117", AccessionNumber="IMAGE")
SECOND = a_file(CT, StudyDate="20220822", StudyTime="083117", SOPInstanceUID="1.2.3.2", InstanceNumber=2)
STUDY = uids(FIRST)[0]
LATER = {"StudyDate": "20061026", "StudyTime": "141819", "AccessionNumber": "KEY", "StudyDescription": "Keys"}
KEYS = a_manifest(FIRST, location="", **LATER)
TOLD = ("20220822", "083117", "IMAGE", "e+1", "2022-08-22T08:31:17-05:00")
"""The zone is the image's as well."""


async def told(world: World, caller: dict[str, str]) -> tuple[str, ...]:
    """Return what QIDO-RS and the ImagingStudy say of the one study that there is."""
    (found,) = (await world.http.get("/dicomweb/studies", headers=caller)).json()
    tags = ("00080020", "00080030", "00080050", "00081030")
    study = await described(world, caller)
    return *(found[tag]["Value"][0] for tag in tags), study["started"]


async def described(world: World, caller: dict[str, str]) -> dict[str, Any]:
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()["entry"]
    return dict(entry["resource"])


async def _deleted(world: World, caller: dict[str, str]) -> None:
    assert (await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=caller)).status_code == 204


async def test_by_stow_every_order_tells_the_same_of_a_study(world: World) -> None:
    caller = await world.client("hospital-a")
    for order in permutations((KEYS, FIRST, SECOND)):
        for file in order:
            await stored(world, caller, file)
        assert await told(world, caller) == TOLD
        await _deleted(world, caller)

        await stored(world, caller, *order)
        assert await told(world, caller) == TOLD
        await _deleted(world, caller)


async def test_by_c_store_every_order_tells_the_same_of_a_study(world: World) -> None:
    await a_node(world)
    caller = await world.client("hospital-a")
    files = [(KOS, KEYS), (CT_CLASS, FIRST), (CT_CLASS, SECOND)]
    async with associating(world.hub) as door:
        for order in permutations(files):
            instances = [(kind, uids(file)[2], data_set(file)) for kind, file in order]
            assert await aside(lambda found=instances: sent(door, *found, classes=(KOS, CT_CLASS))) == [0, 0, 0]
            assert await told(world, caller) == TOLD
            assert (await described(world, caller))["numberOfInstances"] == 3
            await _deleted(world, caller)


async def test_a_manifest_that_came_first_gives_way_to_the_image_and_to_its_header(world: World) -> None:
    manifest = a_manifest(FIRST, **LATER)
    caller = await world.client("hospital-a")
    async with a_pacs(FIRST) as pacs:
        await a_source(world, pacs)
        for order in permutations((manifest, FIRST)):
            for file in order:
                await stored(world, caller, file)
            assert await told(world, caller) == TOLD
            await _deleted(world, caller)

        await stored(world, caller, manifest)
        assert (await told(world, caller))[:3] == ("20061026", "141819", "KEY")
        # Somebody looks at its header, which is fetched and kept.
        assert (await world.http.get(f"{address(FIRST)}/metadata", headers=caller)).status_code == 200
        (found,) = (await world.http.get("/dicomweb/studies", headers=caller)).json()

    assert found["00080020"]["Value"] == ["20220822"]


@pytest.mark.parametrize("order", [(KEYS, FIRST), (FIRST, KEYS)], ids=["key object first", "image first"])
@pytest.mark.parametrize(("year", "status"), [("2022", 200), ("2006", 404)])
async def test_a_grant_for_a_year_follows_the_date_of_the_images(
    world: World, order: tuple[bytes, ...], year: str, status: int
) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    for file in order:
        await stored(world, hospital, file)
    await world.post(
        hospital,
        a_consent(await the_patient(world, hospital), "clinic-c", dataPeriod={"start": year, "end": year}),
    )

    for file in order:
        assert (await world.http.get(address(file), headers=clinic)).status_code == status
    assert await world.total(clinic, "ImagingStudy") == (status == 200)
    assert len((await world.http.get("/dicomweb/instances", headers=clinic)).json()) == (2 if status == 200 else 0)


async def test_when_the_images_are_deleted_what_is_left_tells_of_the_study(world: World) -> None:
    caller = await world.client("hospital-a")
    await stored(world, caller, KEYS, FIRST)

    deleted = await world.http.delete(address(FIRST), headers=caller)

    assert deleted.status_code == 204
    assert await told(world, caller) == ("20061026", "141819", "KEY", "Keys", "2006-10-26T14:18:19+09:00")


async def test_when_one_image_is_deleted_the_next_tells_of_the_study(world: World) -> None:
    caller = await world.client("hospital-a")
    other = a_file(CT, StudyDate="20220823", StudyTime="", SeriesInstanceUID="1.2.4", SOPInstanceUID="1.2.4.1")
    await stored(world, caller, FIRST, other, KEYS)

    await world.http.delete(address(FIRST), headers=caller)

    (found,) = (await world.http.get("/dicomweb/studies", headers=caller)).json()
    assert found["00080020"]["Value"] == ["20220823"]
    assert found["00080030"] == {"vr": "TM"}
    assert found["00080050"]["Value"] == ["KEY"]
