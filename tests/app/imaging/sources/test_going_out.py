"""References that leave: by associations and on discs, fetched when their turn comes; what fails leaves the rest."""

import io
import zipfile
from typing import Any

import pytest
from pynetdicom import build_role, evt

from tests.app.imaging.dimse.test_retrieve import moved
from tests.app.imaging.dimse.test_store import CT_CLASS, data_set
from tests.app.imaging.images import CT, J2K, a_file, stored, uids
from tests.app.imaging.sources.region import KOS, a_manifest, a_source
from tests.dimse import STUDY_ROOT_GET, a_node, aside, asking, associated, associating, taking
from tests.pacs import a_pacs
from tests.world import World

pytestmark = pytest.mark.anyio

ZIP = {"accept": "application/zip"}


def two() -> tuple[bytes, bytes]:
    """Return two images of one series."""
    return a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4.5.7", InstanceNumber=2)


def got(door: Any, study: str) -> tuple[int, tuple[int, int], dict[str, bytes]]:
    """Ask for a study by C-GET; return its last status, completed and failed sub-operations, and what came."""
    came: dict[str, bytes] = {}

    def take(event: evt.Event) -> int:
        came[str(event.request.AffectedSOPInstanceUID)] = event.request.DataSet.getvalue()  # type: ignore[union-attr]
        return 0

    roles = [build_role(one, scp_role=True) for one in (CT_CLASS, KOS)]
    how: dict[str, Any] = {"ext_neg": roles, "evt_handlers": [(evt.EVT_C_STORE, take)]}
    with associated(door, STUDY_ROOT_GET, CT_CLASS, KOS, **how) as association:
        answers = list(association.send_c_get(asking("STUDY", StudyInstanceUID=study), STUDY_ROOT_GET))
    last = answers[-1][0]
    return last.Status, (last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations), came


async def test_what_its_site_keeps_goes_out_by_c_get_and_on_a_disc_and_what_fails_leaves_the_rest(
    world: World,
) -> None:
    images = two()
    study = uids(images[0])[0]
    place = f"/dicomweb/studies/{study}"
    async with a_pacs(*images) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        manifest = a_manifest(*images)
        await stored(world, caller, manifest)
        await a_node(world)
        async with associating(world.hub) as door:
            whole = await aside(got, door, study)
            disc = await world.http.get(place, headers={**caller, **ZIP})
            # The source loses one, and what was held of it is over.
            del pacs.instances[uids(images[1])[2]]
            for one in world.hub.held._held.values():
                one.last_read -= 60
            await world.hub.held.sweep()
            part = await aside(got, door, study)
            less = await world.http.get(place, headers={**caller, **ZIP})

    everything = {uids(one)[2]: data_set(one) for one in (*images, manifest)}
    assert whole == (0, (3, 0), everything)
    assert contents(disc.content) == {*images, manifest}
    rest = {name: octets for name, octets in everything.items() if name != uids(images[1])[2]}
    assert part == (0xB000, (2, 1), rest)
    assert contents(less.content) == {images[0], manifest}
    with zipfile.ZipFile(io.BytesIO(less.content)) as archive:
        assert archive.testzip() is None
        assert uids(images[1])[2] in archive.read("MISSING.TXT").decode()
        assert all("MISSING.TXT" in archive.read(one).decode() for one in ("README.TXT", "INDEX.HTM"))
        assert len([one for one in archive.namelist() if one == "DICOMDIR"]) == 1


def contents(data: bytes) -> set[bytes]:
    """Return the instances of a disc."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {archive.read(one) for one in archive.namelist() if one.startswith("DICOM/")}


async def test_what_its_site_keeps_is_moved_as_its_site_has_it(world: World) -> None:
    image = a_file(J2K)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image, PatientID="9"))
        with taking("WORKSTATION") as (port, came):
            await a_node(world)
            await a_node(world, name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
            async with associating(world.hub) as door:
                asked = asking("SERIES", StudyInstanceUID=uids(image)[0], SeriesInstanceUID=uids(image)[1])
                answer = await aside(moved, door, asked)

    assert answer == (0, (1, 0, 0), [])
    assert [one.octets for one in came] == [data_set(image)]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_disc_says_what_is_stored_and_gone(world: World) -> None:
    images = two()
    caller = await world.client("hospital-a")
    await stored(world, caller, *images)
    whole = await world.http.get(f"/dicomweb/studies/{uids(images[0])[0]}", headers={**caller, **ZIP})
    for one in (world.hub.settings.home / "blobs").rglob("*"):
        if one.is_file() and one.read_bytes() == images[1]:
            one.unlink()
    less = await world.http.get(f"/dicomweb/studies/{uids(images[0])[0]}", headers={**caller, **ZIP})

    assert contents(whole.content) == set(images)
    assert contents(less.content) == {images[0]}
    with zipfile.ZipFile(io.BytesIO(less.content)) as archive:
        assert "The bytes of the instance are gone" in archive.read("MISSING.TXT").decode()
        assert "not complete: MISSING.TXT" in archive.read("README.TXT").decode()
        assert b"IM000002" not in archive.read("DICOMDIR")
