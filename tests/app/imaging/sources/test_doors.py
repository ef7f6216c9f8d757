"""References at the doors that are asked of a whole study, and in every form."""

import pytest

from dicom.xml_model import from_xml
from tests.app.imaging.images import CT, a_file, address, parts_of, send, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import a_pacs
from tests.world import World

pytestmark = pytest.mark.anyio

IMAGE = a_file(CT)
STUDY = f"/dicomweb/studies/{uids(IMAGE)[0]}"
DOORS = [
    f"{address(IMAGE)}/pixeldata",
    f"{address(IMAGE)}/bulkdata",
    f"{address(IMAGE)}/thumbnail",
    f"{address(IMAGE).rpartition('/instances')[0]}/pixeldata",
    f"{address(IMAGE).rpartition('/instances')[0]}/rendered",
    f"{STUDY}/rendered",
    f"{STUDY}/thumbnail",
    f"{STUDY}/bulkdata",
    "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}&contentType=image/jpeg".format(*uids(IMAGE)),
    "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}".format(*uids(IMAGE)),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_reference_that_nobody_has_looked_at_is_given_at_every_door(world: World, door: str) -> None:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE))

        referred = await world.http.get(door, headers=caller)
        await stored(world, caller, IMAGE)
        kept = await world.http.get(door, headers=caller)

    assert (referred.status_code, kept.status_code) == (200, 200), referred.text[:300]
    assert referred.headers["content-type"].partition(";")[0] == kept.headers["content-type"].partition(";")[0]


async def test_the_whole_header_of_a_reference_is_told_in_xml_too(world: World) -> None:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE))
        as_xml = caller | {"accept": "application/dicom+xml"}

        told = await world.http.get(f"{address(IMAGE)}/metadata", headers=as_xml)
        plain = await world.http.get(f"{address(IMAGE)}/metadata", headers=caller)

    assert told.status_code == plain.status_code == 200
    found = from_xml(told.content)
    assert found["00180060"] == plain.json()[0]["00180060"]
    assert found.keys() == plain.json()[0].keys()


async def test_what_a_manifest_did_not_say_is_found_once_the_instance_is_kept(world: World) -> None:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE, StudyDate="", PatientSex=""))
        await stored(world, caller, IMAGE)

    (study,) = (await world.http.get("/dicomweb/studies?StudyDate=20040119", headers=caller)).json()
    (series,) = (await world.http.get("/dicomweb/series?Modality=CT", headers=caller)).json()
    assert study["00080061"]["Value"] == ["CT", "KO"]
    assert study["00100040"]["Value"] == ["O"]
    assert series["0020000E"]["Value"] == [uids(IMAGE)[1]]


async def test_of_two_that_settle_a_reference_in_one_request_the_first_is_kept(world: World) -> None:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE))
        other = a_file(CT, PatientComments="another")

        response = await send(world, caller, IMAGE, other)
        kept = await world.http.get(address(IMAGE), headers=caller)

    assert response.status_code == 202, response.text
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0x0111]
    assert parts_of(kept)[0][1] == IMAGE


@pytest.mark.parametrize("above", ["StudyInstanceUID", "SeriesInstanceUID"])
async def test_an_instance_of_another_parent_settles_no_reference(world: World, above: str) -> None:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE))

        response = await send(world, caller, a_file(CT, **{above: "1.2.3.99"}))
        shown = await world.http.get(address(IMAGE), headers=caller)

    assert response.status_code == 409, response.text
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0x0111]
    assert parts_of(shown)[0][1] == IMAGE
