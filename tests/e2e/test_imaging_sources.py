"""Real PACS as sources: Orthanc by DICOMweb and by DIMSE, and a second hub."""

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest

from app.imaging.sources.check import check
from app.imaging.sources.index import index
from app.imaging.sources.keep_here import keep_here
from app.settings import Settings
from dicom.phantom import CT as CT_PHANTOM
from dicom.phantom import Patient, Study, instances
from tests.app.imaging.images import CT, J2K, MULTI_FRAME, a_file, address, parts_of, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.orthanc import AE_TITLE, Orthanc, an_orthanc
from tests.served import served
from tests.world import ADDRESS, World, running

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("orthanc"), pytest.mark.uncounted]

PERSON = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")


def _files() -> list[bytes]:
    return [a_file(CT), a_file(J2K), a_file(MULTI_FRAME), *instances(Study(1, PERSON, CT_PHANTOM, slices=3, edge=16))]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with an_orthanc(tmp_path_factory.mktemp("orthanc")) as made:
        yield made


async def _of_orthanc(world: World, orthanc: Orthanc, **fields: object) -> None:
    dimse = {"ae_title": AE_TITLE, "host": "127.0.0.1", "port": orthanc.dicom, "seconds": 30}
    given: dict[str, Any] = {"wado": "", "qido": "", "locations": "", **dimse, **fields}
    await a_source(world, orthanc, **given)


WAYS = {
    "web": {"get_by": "web"},
    "dimse": {"get_by": "c-get"},
    "move": {"get_by": "c-move"},
}


@pytest.mark.parametrize(
    ("settings", "way"),
    [("sqlite", "web"), ("postgresql", "web"), ("sqlite", "dimse"), ("sqlite", "move")],
    indirect=["settings"],
)
async def test_orthanc_is_indexed_looked_into_and_taken_over(world: World, orthanc: Orthanc, way: str) -> None:
    files = [_files()[0], *_files()[2:]]
    async with orthanc.reachable():
        await orthanc.take(*files)
        fields: dict[str, object] = dict(WAYS[way])
        if way == "web":
            fields |= {"wado": orthanc.address, "qido": orthanc.address}
        if way == "move":
            fields |= {"listen": f"127.0.0.1:{orthanc.back}"}
        await _of_orthanc(world, orthanc, **fields)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")

        ways = await check(world.hub, registered)
        seen = await index(world.hub, registered)
        named = (await world.http.get("/dicomweb/studies?PatientName=山田*", headers=caller)).json()
        got = [parts_of(await world.http.get(address(one), headers=caller))[0][1] for one in files]
        frame = await world.http.get(f"{address(files[1])}/frames/30", headers=caller)
        series = uids(files[-1])
        metadata = await world.http.get(f"/dicomweb/studies/{series[0]}/series/{series[1]}/metadata", headers=caller)
        picture = await world.http.get(f"{address(files[0])}/rendered", headers=caller)
        moved = await keep_here(world.hub, registered)

    assert [failure for _, failure in ways] == [""] * len(ways)
    assert (seen.studies, seen.instances, seen.refused) == (3, 5, 0)
    assert [row["00201208"]["Value"] for row in named] == [[3]]
    assert named[0]["00100010"]["Value"][0]["Ideographic"] == "山田^太郎"
    for mine, one in zip(got, files, strict=True):
        _check_same(mine, one)
    assert (frame.status_code, picture.status_code) == (200, 200)
    assert sorted(one["00200013"]["Value"][0] for one in metadata.json()) == [1, 2, 3]
    assert metadata.json()[0]["00280010"]["Value"] == [16]
    assert (moved.instances, moved.failed, moved.left) == (5, 0, 0)


def _check_same(got: bytes, sent: bytes) -> None:
    """Check that an instance has the values and the encoding that it was sent with; Orthanc leaves padding out."""
    mine, one = pydicom.dcmread(BytesIO(got)), pydicom.dcmread(BytesIO(sent))
    for ds in (mine, one):
        ds.pop(0xFFFCFFFC, None)
    assert mine.file_meta.TransferSyntaxUID == one.file_meta.TransferSyntaxUID
    assert mine.PixelData == one.PixelData
    assert [el.tag for el in mine if el.tag.group < 0x7FE0] == [el.tag for el in one if el.tag.group < 0x7FE0]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_manifest_leads_to_orthanc(world: World, orthanc: Orthanc) -> None:
    files = _files()[3:]
    async with orthanc.reachable():
        await orthanc.take(*files)
        await _of_orthanc(world, orthanc, wado=orthanc.address)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(*files, location="", url=orthanc.address))

        study = await world.http.get(f"/dicomweb/studies/{uids(files[0])[0]}", headers=caller)

    assert study.status_code == 200
    assert study.content.count(b"\0DICM") == 4


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_second_hub_is_a_source_by_the_first_ones_own_token(
    world: World, tmp_path: Path, sqlite_template: Path
) -> None:
    image, token, home = a_file(CT), tmp_path / "token", tmp_path / "second"
    home.mkdir()
    shutil.copy(sqlite_template, home / "renkei.sqlite3")
    async with running(Settings(home=home)) as second, served(second.app) as there:
        headers = await second.client("hospital-b")
        await stored(second, headers, image)
        token.write_text(headers["Authorization"].removeprefix("Bearer "))
        await a_source(world, there, credentials=f"bearer:{token}")
        caller = await world.client("hospital-a")

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        got = await world.http.get(address(image), headers=caller)
        metadata = await world.http.get(f"{address(image)}/metadata", headers=caller)
        token.write_text("forgotten")
        world.hub.held._held.clear()
        refused = await world.http.get(address(image), headers=caller)

    assert (seen.studies, seen.instances) == (1, 1)
    assert parts_of(got)[0][1] == image
    assert metadata.json()[0]["7FE00010"]["BulkDataURI"] == f"{ADDRESS}{address(image)}/bulkdata/7FE00010"
    assert refused.status_code == 502
