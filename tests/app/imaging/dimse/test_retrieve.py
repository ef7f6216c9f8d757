"""C-MOVE and C-GET: the instances that the caller may see, to its own site's applications, in a syntax they take."""

import asyncio
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1
from pynetdicom import build_role, evt

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.dimse.test_store import CT_CLASS, data_set
from tests.app.imaging.images import CT, J2K, MR, REPORT, RLE, a_file, stored, uids
from tests.dimse import (
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    a_node,
    aside,
    asking,
    associated,
    associating,
    found,
    taking,
)
from tests.viewed import jpeg_lossless
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

STUDY, SERIES, INSTANCE = uids(a_file(CT))


def moved(
    door: object, asked: Dataset, destination: str = "WORKSTATION", *, title: str = "HOSPITAL-A"
) -> tuple[int, tuple[int, int, int], list[str]]:
    """Ask for a C-MOVE; return its last status, completed, failed and warning sub-operations, and the failed UIDs."""
    with associated(door, STUDY_ROOT_MOVE, title=title) as association:  # type: ignore[arg-type]
        answers = list(association.send_c_move(asked, destination, STUDY_ROOT_MOVE))
    status, identifier = answers[-1]
    names = ("NumberOfCompletedSuboperations", "NumberOfFailedSuboperations", "NumberOfWarningSuboperations")
    counts = tuple(status.get(name, 0) for name in names)
    uids = identifier.get("FailedSOPInstanceUIDList", []) if identifier else []
    return status.Status, counts, [uids] if isinstance(uids, str) else list(uids)  # type: ignore[return-value]


async def test_a_study_goes_to_an_application_of_the_callers_site_as_it_is_stored(
    settings: Settings, world: World
) -> None:
    caller = await world.client("hospital-a")
    files = [a_file(CT), a_file(J2K), a_file(RLE)]
    await stored(world, caller, *files)
    with taking("WORKSTATION") as (port, came):
        await a_node(world)
        await a_node(world, name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
        async with associating(world.hub) as door:
            answers = [await aside(moved, door, asking("STUDY", StudyInstanceUID=uids(one)[0])) for one in files]
            image = asking("IMAGE", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=INSTANCE)
            one = await aside(moved, door, image)
            nothing = await aside(moved, door, asking("STUDY", StudyInstanceUID="1.2.3"))

    assert answers == [(0, (1, 0, 0), [])] * 3
    assert (one, nothing) == ((0, (1, 0, 0), []), (0, (0, 0, 0), []))
    assert [each.octets for each in came] == [data_set(each) for each in (*files, files[0])]
    assert [(each.MoveOriginatorApplicationEntityTitle, each.MoveOriginatorMessageID) for each in came] == [
        ("HOSPITAL-A", 1)
    ] * 4
    told = [each for each in await recorded(settings) if each.interaction == "c-move" and each.patient]
    assert [each.entities for each in told] == [(f"urn:oid:{uids(each)[0]}",) for each in files]
    assert (told[0].query or "").startswith("destination=WORKSTATION&level=STUDY&StudyInstanceUID=")


async def test_who_takes_less_is_sent_what_it_takes(world: World) -> None:
    caller = await world.client("hospital-a")
    files = [a_file(CT), a_file(J2K)]
    await stored(world, caller, *files)
    with taking("WORKSTATION", syntaxes=[ImplicitVRLittleEndian]) as (port, came):
        await a_node(world)
        await a_node(world, name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
        async with associating(world.hub) as door:
            for one in files:
                assert await aside(moved, door, asking("STUDY", StudyInstanceUID=uids(one)[0])) == (0, (1, 0, 0), [])

    assert {one.syntax for one in came} == {ImplicitVRLittleEndian}
    for one, file in zip(came, files, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = pydicom.dcmread(BytesIO(one.octets), force=True)
            got.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
            original = pydicom.dcmread(BytesIO(file))
            assert (got.pixel_array == original.pixel_array).all()
        assert got.SOPInstanceUID == original.SOPInstanceUID


async def test_a_destination_of_another_site_is_as_unknown_as_one_that_is_not_there(world: World) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    with taking("WORKSTATION") as (port, came):
        await a_node(world)
        await a_node(world, "clinic-c", title="WORKSTATION", host="127.0.0.1", port=port)
        await a_node(world, name="tls", title="SECURED", host="127.0.0.1", port=port, secured=1)
        async with associating(world.hub) as door:
            asked = asking("STUDY", StudyInstanceUID=STUDY)
            other = await aside(moved, door, asked)
            unknown = await aside(moved, door, asked, "NOWHERE")
            uncallable = await aside(moved, door, asked, "HOSPITAL-A")
            # The settings name no authority that would tell whether it is the one.
            secured = await aside(moved, door, asked, "SECURED")

    assert other == unknown == uncallable == secured == (0xA801, (0, 0, 0), [])
    assert came == []


async def test_what_cannot_be_sent_is_counted_and_named(world: World) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    failed = (0xA702, (0, 1, 0), [INSTANCE])
    asked = asking("STUDY", StudyInstanceUID=STUDY)
    await a_node(world)
    await a_node(world, name="away", title="AWAY", host="127.0.0.1", port=1)
    async with associating(world.hub) as door:
        with taking("WORKSTATION", status=0xA700) as (port, _):
            await a_node(world, name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
            assert await aside(moved, door, asked) == failed
        assert await aside(moved, door, asked, "AWAY") == failed
        # No unique key of the level.
        assert (await aside(moved, door, asking("SERIES", StudyInstanceUID=STUDY)))[0] == 0xA900


async def test_a_consent_withdrawn_after_it_was_found_is_heard(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, a_file(CT), a_file(MR))
    patients = (await world.http.get("/fhir/Patient?identifier=1CT1", headers=hospital)).json()["entry"]
    consent = await world.post(hospital, a_consent(patients[0]["resource"]["id"], "clinic-c"))
    asked = asking("STUDY", StudyInstanceUID=STUDY)
    with taking("WORKSTATION") as (port, came):
        await a_node(world, "clinic-c")
        await a_node(world, "clinic-c", name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
        async with associating(world.hub) as door:
            everything = asking("STUDY", StudyInstanceUID="")
            seen = await aside(lambda: found(door, everything, title="CLINIC-C"))
            allowed = await aside(lambda: moved(door, asked, title="CLINIC-C"))
            withdrawn = {**consent, "status": "inactive"}
            address = f"/fhir/Consent/{consent['id']}"
            assert (await world.http.put(address, headers=hospital, json=withdrawn)).status_code == 200
            refused = await aside(lambda: moved(door, asked, title="CLINIC-C"))
            hidden = await aside(
                lambda: moved(door, asking("STUDY", StudyInstanceUID=uids(a_file(MR))[0]), title="CLINIC-C")
            )

    assert [one.StudyInstanceUID for one in seen[:-1]] == [STUDY]
    assert allowed == (0, (1, 0, 0), [])
    # As if there were no such study.
    assert refused == hidden == (0, (0, 0, 0), [])
    assert len(came) == 1
    assert clinic


async def test_a_consent_withdrawn_while_instances_leave_stops_those_to_come(world: World) -> None:
    hospital, _ = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, a_file(CT, SOPInstanceUID="1.2.1"), a_file(CT, SOPInstanceUID="1.2.2"))
    (entry,) = (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"]
    consent = await world.post(hospital, a_consent(entry["resource"]["id"], "clinic-c"))
    loop = asyncio.get_running_loop()

    async def withdraw() -> int:
        withdrawn = {**consent, "status": "inactive"}
        return (await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=withdrawn)).status_code

    def meanwhile() -> None:
        assert asyncio.run_coroutine_threadsafe(withdraw(), loop).result() == 200

    with taking("WORKSTATION", meanwhile=meanwhile) as (port, came):
        await a_node(world, "clinic-c")
        await a_node(world, "clinic-c", name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
        async with associating(world.hub) as door:
            asked = asking("STUDY", StudyInstanceUID=STUDY)
            answer = await aside(lambda: moved(door, asked, title="CLINIC-C"))

    assert len(came) == 1
    (left,) = {"1.2.1", "1.2.2"} - {came[0].AffectedSOPInstanceUID}
    assert answer == (0xB000, (1, 1, 0), [left])


def got(door: Any, title: str, classes: tuple[str, ...] = (CT_CLASS,), **how: Any) -> tuple[int, list[Any]]:
    """Ask for a study by C-GET; return the last status, and the requests that came, with their data sets' octets."""
    came: list[Any] = []

    def take(event: evt.Event) -> int:
        event.request.octets = event.request.DataSet.getvalue()  # type: ignore[union-attr]
        event.request.syntax = str(event.context.transfer_syntax)  # type: ignore[union-attr]
        came.append(event.request)
        return 0

    how |= {
        "ext_neg": [build_role(one, scp_role=True) for one in classes],
        "evt_handlers": [(evt.EVT_C_STORE, take)],
    }
    with associated(door, STUDY_ROOT_GET, *classes, title=title, **how) as association:
        answers = list(association.send_c_get(asking("STUDY", StudyInstanceUID=STUDY), STUDY_ROOT_GET))
    return answers[-1][0].Status, came


async def test_who_likes_compressed_images_gets_reports_plain_and_other_images_compressed(world: World) -> None:
    hospital = await world.client("hospital-a")
    series, report_uid = "1.2.3.8", "1.2.3.8.1"
    place = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "SOPInstanceUID": report_uid, "PatientID": "1CT1"}
    await stored(world, hospital, a_file(CT), a_file(REPORT, **place))
    await a_node(world)
    report_class = "1.2.840.10008.5.1.4.1.1.88.33"

    async with associating(world.hub) as door:
        # Each class in one context, which names both.
        likes = {"syntaxes": [JPEGLosslessSV1, ExplicitVRLittleEndian]}
        status, came = await aside(lambda: got(door, "HOSPITAL-A", (CT_CLASS, report_class), **likes))

    assert status == 0
    assert {one.AffectedSOPInstanceUID: one.syntax for one in came} == {
        INSTANCE: JPEGLosslessSV1,
        report_uid: ExplicitVRLittleEndian,
    }
    (image,) = [one for one in came if one.AffectedSOPInstanceUID == INSTANCE]
    compressed = pydicom.dcmread(BytesIO(image.octets), force=True, defer_size=None)
    compressed.file_meta = pydicom.dataset.FileMetaDataset()
    compressed.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    assert np.array_equal(jpeg_lossless(compressed), pydicom.dcmread(BytesIO(a_file(CT))).pixel_array)


async def test_of_two_sites_copies_the_callers_own_is_sent_and_by_c_get_too(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    mine, theirs = a_file(CT), a_file(CT, StudyDescription="theirs")
    await stored(world, hospital, mine)
    await stored(world, other, theirs)
    for caller, site in ((hospital, "hospital-b"), (other, "hospital-a")):
        entries = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"]
        for entry in entries:
            if entry["resource"]["identifier"][0]["system"].endswith(
                "01100000" + ("01" if site == "hospital-b" else "02")
            ):
                await world.post(caller, a_consent(entry["resource"]["id"], site))
    await a_node(world)
    await a_node(world, "hospital-b")

    async with associating(world.hub) as door:
        a, b = await aside(got, door, "HOSPITAL-A"), await aside(got, door, "HOSPITAL-B")

    assert (a[0], [one.octets for one in a[1]]) == (0, [data_set(mine)])
    assert (b[0], [one.octets for one in b[1]]) == (0, [data_set(theirs)])
