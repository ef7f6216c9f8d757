"""C-STORE: what is acknowledged is stored as it came; what is not is refused with a status that says why."""

import asyncio
import warnings
from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_STORE

from app.imaging.dimse.listener import Listener
from app.settings import Settings
from dicom.services.sending import send_instance
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.images import CT, a_file, address, stored, uids
from tests.dimse import a_node, aside, associated, associating
from tests.world import World, running

pytestmark = pytest.mark.anyio

CT_CLASS, PRIVATE = "1.2.840.10008.5.1.4.1.1.2", "1.2.392.200036.9999.1.1"


def data_set(file: bytes) -> bytes:
    """Return the data set of a file, without its head."""
    return file[144 + int.from_bytes(file[140:144], "little") :]


def sent(
    door: object,
    *instances: tuple[str, str, bytes],
    classes: tuple[str, ...] = (CT_CLASS,),
    syntax: UID = ExplicitVRLittleEndian,
    title: str = "HOSPITAL-A",
) -> list[int]:
    """Send data sets as they are, each with the class and the UID that its command names; return the statuses."""
    statuses = []
    with associated(door, *classes, syntaxes=[syntax], title=title) as association:
        for number, (sop_class, uid, octets) in enumerate(instances, start=1):
            request = C_STORE()
            request.MessageID, request.Priority = number, 2
            request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, uid
            request.DataSet = BytesIO(octets)
            context = next((one for one in association.accepted_contexts if one.abstract_syntax == sop_class), None)
            association._reactor_checkpoint.clear()
            association.dimse.send_msg(request, context.context_id if context else 1)
            _, answer = association.dimse.get_msg(block=True)
            association._reactor_checkpoint.set()
            statuses.append(answer.Status if answer else -1)
    return statuses


def an_instance(number: int = 1, **values: object) -> tuple[str, str, bytes]:
    uid = f"1.2.3.{number}"
    return CT_CLASS, uid, data_set(a_file(CT, SOPInstanceUID=uid, **values))


async def test_what_is_acknowledged_is_there_octet_for_octet_and_on_record(settings: Settings, world: World) -> None:
    await a_node(world)
    caller = await world.client("hospital-a")
    _, uid, octets = an_instance()
    async with associating(world.hub) as door:
        assert await aside(sent, door, (CT_CLASS, uid, octets)) == [0]
        again = await aside(sent, door, (CT_CLASS, uid, octets))

    file = (await world.http.get(address(a_file(CT, SOPInstanceUID=uid)), headers=caller)).content
    assert b"\r\n\r\n" in file
    assert octets in file
    assert again == [0]
    events = [one for one in await recorded(settings) if one.interaction == "c-store"]
    (first, second) = events
    assert (first.action, first.outcome, first.method, first.client) == ("C", "0", "DIMSE", "hospital-a-system")
    assert first.entities == (f"urn:oid:{uids(a_file(CT))[0]}",)
    assert second.outcome == "0"


async def test_what_is_not_stored_has_a_status_that_says_why(settings: Settings) -> None:
    async with running(settings.model_copy(update={"instance_bytes": 60_000})) as world, associating(world.hub) as door:
        await a_node(world)
        await a_node(world, "clinic-c")
        one = an_instance()
        other = an_instance(StudyDescription="other")
        large = CT_CLASS, "1.2.3.9", data_set(a_file(CT)) + b"\xfc\xff\xfc\xffOB\0\0" + (65_536).to_bytes(4, "little")
        cases = [
            (one, 0),
            (other, 0x0111),
            ((CT_CLASS, "1.2.3.5", one[2]), 0xA900),
            ((CT_CLASS, "1.2.3.6", one[2][: len(one[2]) // 2]), 0xC000),
            ((CT_CLASS, "1.2.3.7", b"garbage!"), 0xC000),
            (an_instance(8, PatientID=""), 0xA900),
            (an_instance(9, PatientID="OTHER"), 0xB000),
            (an_instance(9, PatientID="OTHER"), 0xB000),
            ((CT_CLASS, large[1], large[2] + bytes(65_536)), 0xA700),
        ]
        statuses = await aside(sent, door, *(case for case, _ in cases))
        clinic = await aside(lambda: sent(door, an_instance(20), title="CLINIC-C"))
        left = list(world.hub.settings.home.rglob("incoming-*"))

    assert statuses == [status for _, status in cases]
    assert clinic == [0]
    assert left == []


async def test_an_empty_data_set_cannot_be_understood(world: World) -> None:
    await a_node(world)

    def nothing(door: Listener) -> int:
        with associated(door, CT_CLASS) as association:
            association._reactor_checkpoint.clear()
            return send_instance(association, 1, 1, (CT_CLASS, "1.2.3.8"), [b""])

    async with associating(world.hub) as door:
        assert await aside(nothing, door) == 0xC000


async def test_a_role_that_stores_no_images_is_not_authorised(settings: Settings, world: World) -> None:
    await world.client("clinic-d", role="pharmacist")
    await a_node(world, "clinic-d", client="clinic-d-pharmacist")
    async with associating(world.hub) as door:
        assert await aside(lambda: sent(door, an_instance(), title="CLINIC-D")) == [0x0124]

    (event,) = [one for one in await recorded(settings) if one.interaction == "c-store"]
    assert (event.outcome, event.outcome_desc, event.patient) == ("4", "403", None)


async def test_an_instance_that_came_by_stow_is_the_same_by_c_store(world: World) -> None:
    await a_node(world)
    file = a_file(CT)
    await stored(world, await world.client("hospital-a"), file)
    async with associating(world.hub) as door:
        same = await aside(sent, door, (CT_CLASS, uids(file)[2], data_set(file)))

    assert same == [0]


async def test_private_classes_are_stored_where_the_setting_says_so(settings: Settings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(a_file(CT)))
        ds.SOPClassUID, ds.SOPInstanceUID = PRIVATE, "1.2.3.40"
        out = BytesIO()
        ds.file_meta.MediaStorageSOPClassUID = PRIVATE
        ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3.40"
        ds.save_as(out, enforce_file_format=True)
    private = PRIVATE, "1.2.3.40", data_set(out.getvalue())

    def accepted(door: object, *classes: str) -> list[str]:
        with associated(door, *classes) as association:
            return [str(one.abstract_syntax) for one in association.accepted_contexts]

    async with running(settings) as world, associating(world.hub) as door:
        await a_node(world)
        assert await aside(lambda: sent(door, private, classes=(PRIVATE,))) == [0]
        # A class of another service is none of storage, whatever the setting.
        assert await aside(accepted, door, PRIVATE, "1.2.840.10008.5.1.4.31", CT_CLASS) == [PRIVATE, CT_CLASS]


async def test_the_syntax_that_the_sender_prefers_is_taken(world: World) -> None:
    await a_node(world)

    def chosen(door: object) -> list[str]:
        private_first = ["1.2.3.4.5", ImplicitVRLittleEndian, ExplicitVRLittleEndian]
        with associated(door, CT_CLASS, syntaxes=private_first) as association:
            return [str(one.transfer_syntax[0]) for one in association.accepted_contexts]

    async with associating(world.hub) as door:
        assert await aside(chosen, door) == [ImplicitVRLittleEndian]


async def test_several_associations_store_at_once_and_nothing_is_lost(world: World) -> None:
    await a_node(world)
    caller = await world.client("hospital-a")
    async with associating(world.hub) as door:
        numbers = [range(start, start + 6) for start in (100, 200, 300, 400)]
        statuses = await asyncio.gather(*(aside(sent, door, *map(an_instance, each)) for each in numbers))

    assert statuses == [[0] * 6] * 4
    listed = await world.http.get("/dicomweb/instances?limit=100", headers=caller)
    assert len(listed.json()) == 24


def test_the_data_set_of_a_test_is_what_pydicom_reads() -> None:
    _, _, octets = an_instance()
    ds = pydicom.dcmread(BytesIO(octets), force=True)
    assert isinstance(ds, Dataset)
