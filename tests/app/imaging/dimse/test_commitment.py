"""Storage commitment: what is in the sender's custody is reported, on its association or where the hub calls it."""

import asyncio
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import evt

from app.hub import Hub
from app.imaging.dimse import report
from app.imaging.dimse.calls import Calls
from app.imaging.dimse.commitment import Commitment, of_node
from app.imaging.dimse.node import Nodes
from app.imaging.dimse.tables import storage_commitment
from app.settings import Settings
from dicom.services.requestor import NotReached, Place
from tests.app.audit.test_at_work import query
from tests.app.imaging.images import CT, MR, a_file, send, stored, uids
from tests.dimse import COMMITMENT, a_node, aside, associated, associating, taking, until
from tests.world import World

pytestmark = pytest.mark.anyio

CT_CLASS, MR_CLASS = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
INSTANCE = UID("1.2.840.10008.1.20.1.1")
MINE, THEIRS = uids(a_file(CT))[2], uids(a_file(MR))[2]


def about(*instances: tuple[str, str], transaction: str = "1.2.3.9") -> Dataset:
    made = Dataset()
    made.TransactionUID = transaction
    made.ReferencedSOPSequence = []
    for sop_class, uid in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        made.ReferencedSOPSequence.append(item)
    return made


def said(report: Dataset) -> tuple[str, list[str], list[tuple[str, int]]]:
    """Return the transaction, what is kept, and what is not and why."""
    kept = [one.ReferencedSOPInstanceUID for one in report.get("ReferencedSOPSequence", [])]
    failed = [(one.ReferencedSOPInstanceUID, one.FailureReason) for one in report.get("FailedSOPSequence", [])]
    return report.TransactionUID, kept, failed


async def holds(settings: Settings, statement: str, rows: list[Any]) -> bool:
    return list(await query(settings, statement)) == rows


EVERY = about((CT_CLASS, MINE), (MR_CLASS, MINE), (MR_CLASS, THEIRS), (CT_CLASS, "1.2.3"))
TOLD = ("1.2.3.9", [MINE], [(MINE, 0x0119), (THEIRS, 0x0112), ("1.2.3", 0x0112)])


async def test_who_cannot_be_called_is_told_on_its_own_association(settings: Settings, world: World) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    await stored(world, await world.client("hospital-b"), a_file(MR))
    # What waits for review is kept, and not committed.
    other = a_file(CT, SOPInstanceUID="1.2.3", PatientID="OTHER")
    assert (await send(world, await world.client("hospital-a"), other)).status_code == 202
    await a_node(world)

    def asked(door: Any, *wanted: Dataset) -> tuple[list[int], list[Dataset]]:
        heard: list[Dataset] = []

        def hear(event: evt.Event) -> tuple[int, None]:
            heard.append(event.event_information)
            return 0, None

        handlers: dict[str, Any] = {"evt_handlers": [(evt.EVT_N_EVENT_REPORT, hear)]}
        with associated(door, COMMITMENT, **handlers) as association:
            statuses = [association.send_n_action(one, 1, UID(COMMITMENT), INSTANCE)[0].Status for one in wanted]
            statuses.append(association.send_n_action(EVERY, 2, UID(COMMITMENT), INSTANCE)[0].Status)
        return statuses, heard

    async with associating(world.hub) as door:
        statuses, heard = await aside(asked, door, EVERY, about(transaction=""), about())

    assert statuses == [0, 0x0212, 0x0212, 0x0123]
    assert [said(one) for one in heard] == [TOLD]
    assert await query(settings, "SELECT count(*) FROM storage_commitment") == [(0,)]


async def test_who_can_be_called_is_called_until_it_hears(settings: Settings, world: World) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    with taking("MODALITY") as (port, came):
        await a_node(world, title="MODALITY", host="127.0.0.1", port=port)

        def asked(door: Any) -> int:
            with associated(door, COMMITMENT, title="MODALITY") as association:
                return int(association.send_n_action(EVERY, 1, UID(COMMITMENT), INSTANCE)[0].Status)

        async with associating(world.hub) as door:
            assert await aside(asked, door) == 0
            await until(lambda: came)
            await until(lambda: holds(settings, "SELECT count(*) FROM storage_commitment", [(0,)]))

    assert [said(one) for one in came] == [TOLD]


async def test_a_report_that_is_not_heard_is_kept(settings: Settings, world: World) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    await a_node(world, host="127.0.0.1", port=1)

    def asked(door: Any) -> int:
        with associated(door, COMMITMENT) as association:
            return int(association.send_n_action(EVERY, 1, UID(COMMITMENT), INSTANCE)[0].Status)

    async with associating(world.hub) as door:
        assert await aside(asked, door) == 0
        await until(lambda: holds(settings, "SELECT tries FROM storage_commitment", [(1,)]))

    assert await query(settings, "SELECT transaction_uid, tries FROM storage_commitment") == [("1.2.3.9", 1)]


async def test_a_node_that_is_not_reached_is_called_once_for_all_that_it_is_to_hear(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "there"):
        await a_node(world, name=name, title=name.upper(), host="127.0.0.1", port=1)
    now, lines = world.hub.clock(), f"{CT_CLASS} {MINE}".encode()
    waiting = [(name, f"1.2.3.{number}") for name in ("gone", "there") for number in range(3)]
    async with world.hub.database.write() as connection:
        rows = [(world.hub.new_row(), name, 1, uid, now, now - 9, 0, lines) for name, uid in waiting]
        await connection.insert(storage_commitment, rows)
    called: list[tuple[str, str]] = []

    def reported(_: Hub, place: Place, one: Commitment, __: object) -> bool:
        called.append((place.title, one.transaction_uid))
        if place.title == "GONE":
            raise NotReached("GONE cannot be reached")
        return True

    monkeypatch.setattr(report, "_reported", reported)
    calls = Calls(world.hub, asyncio.get_running_loop())
    await report.report_due(world.hub, calls, Nodes(world.hub.database))

    assert sorted(called)[1:] == [("THERE", f"1.2.3.{number}") for number in range(3)]
    left = await of_node(world.hub.database.reader, "gone")
    assert [(one.tries, one.next > now) for one in left] == [(1, True)] * 3
    assert await of_node(world.hub.database.reader, "there") == []


async def test_a_node_that_cannot_be_called_as_it_wants_keeps_nobody_else_from_hearing(
    settings: Settings, world: World
) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    with taking("MODALITY") as (port, came):
        # Without an authority the hub opens no secured connection.
        await a_node(world, name="first", title="SECURED", host="127.0.0.1", port=port, secured=True)
        await a_node(world, name="second", title="MODALITY", host="127.0.0.1", port=port)

        def asked(door: Any, title: str) -> int:
            with associated(door, COMMITMENT, title=title) as association:
                return int(association.send_n_action(EVERY, 1, UID(COMMITMENT), INSTANCE)[0].Status)

        async with associating(world.hub) as door:
            assert [await aside(asked, door, title) for title in ("SECURED", "MODALITY")] == [0, 0]
            await until(lambda: came)
            await until(lambda: holds(settings, "SELECT node FROM storage_commitment", [("first",)]))

    assert [said(one) for one in came] == [TOLD]
