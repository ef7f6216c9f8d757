"""No part of a study is taken for the whole: what is lacking is said first, or the answer breaks off."""

import asyncio
from typing import Any

import httpx
import pytest
import requests
from dicomweb_client import DICOMwebClient

from app.imaging.not_given import NotGiven
from tests.app.imaging.images import CT, a_file, address, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import Pacs, Write, a_pacs, answer
from tests.served import served
from tests.world import World

pytestmark = pytest.mark.anyio

IMAGES = [a_file(CT, SOPInstanceUID=f"1.2.3.4.6.{n}", InstanceNumber=n) for n in (6, 7, 8, 9)]
STUDY, SERIES, _ = uids(IMAGES[0])
PLACE = f"/dicomweb/studies/{STUDY}/series/{SERIES}"
NAMES = [uids(one)[2] for one in IMAGES]


async def _referred(world: World, pacs: Pacs) -> dict[str, str]:
    await a_source(world, pacs)
    caller = await world.client("hospital-a")
    await stored(world, caller, a_manifest(*IMAGES))
    return caller


def _by_client(address: str, caller: dict[str, str], *, stream: bool) -> Any:
    """Return the names of what dicomweb-client gets of a series, or what it raises."""
    client = DICOMwebClient(address, headers=dict(caller))
    got = client.iter_series(STUDY, SERIES) if stream else client.retrieve_series(STUDY, SERIES)
    try:
        return [str(one.SOPInstanceUID) for one in got]
    except requests.exceptions.RequestException as error:
        return type(error)


@pytest.mark.parametrize("end", ["", "/pixeldata", "/bulkdata", "/rendered"])
async def test_what_turns_out_to_be_lacking_breaks_the_answer_off_and_is_said_the_next_time(
    world: World, end: str
) -> None:
    async with a_pacs(*IMAGES) as pacs, served(world.app) as there, httpx.AsyncClient(trust_env=False) as http:
        caller = await _referred(world, pacs)
        taken = {"accept": 'multipart/related; type="image/jpeg"'} if end == "/rendered" else {}
        for lost in NAMES[1:3]:
            del pacs.instances[lost]
        place = there.address.replace("/dicomweb", PLACE) + end

        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(place, headers=caller | taken)
        some = await http.get(place, headers=caller | taken)
        pacs.take(*IMAGES)
        one = await http.get(there.address.replace("/dicomweb", address(IMAGES[1])), headers=caller)

    assert (some.status_code, some.headers["warning"]) == (206, '299 - "2 of 4 instances cannot be had at present"')
    assert [name.encode() in some.content for name in NAMES] == [True, False, False, True]
    # Alone it is asked for each time.
    assert one.status_code == 200


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_dicomweb_client_takes_no_part_for_the_whole(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with a_pacs(*IMAGES) as pacs, served(world.app) as there:
        caller = await _referred(world, pacs)
        del pacs.instances[NAMES[2]]
        piece_by_piece = await asyncio.to_thread(_by_client, there.address, caller, stream=True)
        world.hub.not_given = NotGiven()
        # It asks again by itself, and is told what it lacks.
        at_once = await asyncio.to_thread(_by_client, there.address, caller, stream=False)

    assert piece_by_piece is requests.exceptions.ChunkedEncodingError
    assert at_once == [NAMES[0], NAMES[1], NAMES[3]]
    assert '299 - "1 of 4 instances cannot be had at present"' in caplog.messages


async def test_of_a_source_that_is_down_nothing_is_tried_one_by_one(world: World) -> None:
    kept = a_file(CT, SOPInstanceUID="1.2.3.4.6.5", InstanceNumber=5)

    async def down(_: str, write: Write) -> None:
        await write(answer(500))

    async with a_pacs(*IMAGES) as pacs, served(world.app) as there, httpx.AsyncClient(trust_env=False) as http:
        caller = await _referred(world, pacs)
        await stored(world, caller, kept)
        pacs.misbehave = down
        some = await http.get(there.address.replace("/dicomweb", PLACE), headers=caller)
        asked = len(pacs.asked)

    assert (some.status_code, some.headers["warning"]) == (206, '299 - "4 of 5 instances cannot be had at present"')
    assert asked == 1


@pytest.mark.parametrize("end", ["", "/pixeldata", "/bulkdata"])
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_stored_bytes_that_are_gone_break_the_answer_off_and_are_said_the_next_time(
    world: World, end: str
) -> None:
    async with served(world.app) as there, httpx.AsyncClient(trust_env=False) as http:
        caller = await world.client("hospital-a")
        await stored(world, caller, *IMAGES)
        blobs = world.hub.settings.home / "blobs"
        for one in blobs.rglob("*"):
            if one.is_file() and one.read_bytes() in IMAGES[1:3]:
                one.unlink()
        place = there.address.replace("/dicomweb", PLACE) + end

        answers = []
        for _ in range(3):
            try:
                answers.append((await http.get(place, headers=caller)).status_code)
            except httpx.RemoteProtocolError:
                answers.append(0)

    assert answers == ([0, 0, 206] if not end else [0, 206, 206])


async def test_headers_that_cannot_be_had_are_said_to_be_lacking(world: World) -> None:
    async with a_pacs(*IMAGES) as pacs:
        caller = await _referred(world, pacs)
        pacs.without_metadata = True
        del pacs.instances[NAMES[2]]
        some = await world.http.get(f"{PLACE}/metadata", headers=caller)
        as_xml = {**caller, "accept": 'multipart/related; type="application/dicom+xml"'}
        xml = await world.http.get(f"{PLACE}/metadata", headers=as_xml)
        pacs.take(*IMAGES)
        whole = await world.http.get(f"{PLACE}/metadata", headers=caller)

    assert [one.status_code for one in (some, xml, whole)] == [206, 206, 200]
    assert [one["00080018"]["Value"][0] for one in some.json()] == [NAMES[0], NAMES[1], NAMES[3]]
    assert sorted(one["00080018"]["Value"][0] for one in whole.json()) == NAMES
