"""Who is let in: by AE title and address, not by a title alone; what is turned away is on record."""

import asyncio
import threading
from io import BytesIO

import pydicom
import pytest
from pydicom.uid import UID

from app.access.bound import NotBound
from app.access.enrol import disable_client
from app.access.limits import Limits
from app.imaging.dimse.node import Binding, checked, remove_node
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.dimse.test_commitment import CT_CLASS, INSTANCE, MINE, about
from tests.app.imaging.images import CT, a_file
from tests.dimse import COMMITMENT, STUDY_ROOT_FIND, VERIFICATION, a_node, aside, asking, associated, associating, found
from tests.world import World, running

pytestmark = pytest.mark.anyio

REJECTED = [
    ("HOSPITAL-A", "OTHER", (1, 1, 7)),
    ("HOSPITAL-B", "RENKEI", (1, 1, 3)),
    ("ELSEWHERE", "RENKEI", (1, 1, 3)),
    ("DISABLED", "RENKEI", (1, 1, 3)),
]
"""Calling title, called title, and result, source and reason of the rejection."""


async def test_a_stranger_is_rejected_as_the_standard_says_and_on_record(settings: Settings, world: World) -> None:
    await a_node(world)
    await a_node(world, "hospital-b", title="ELSEWHERE", network="10.0.0.0/8")
    await a_node(world, "clinic-c", title="DISABLED")
    await disable_client(world.hub, "clinic-c-system")

    def tried(title: str, called: str) -> tuple[int, ...]:
        with associated(door, VERIFICATION, title=title, called=called) as association:
            answer = association.acceptor.primitive
            assert association.is_rejected
            return answer.result, answer.result_source, answer.diagnostic

    async with associating(world.hub) as door:
        answers = [await aside(tried, title, called) for title, called, _ in REJECTED]

    assert answers == [rejection for _, _, rejection in REJECTED]
    told = [one for one in await recorded(settings) if one.interaction == "node-authentication"]
    assert [(one.description, one.network, one.outcome) for one in told] == [("DIMSE", "127.0.0.1", "8")] * 4
    assert [(one.outcome_desc or "").partition("'")[0] for one in told] == [
        "The called AE title is ",
        *["No DICOM node "] * 3,
    ]


async def test_a_node_that_is_removed_is_heard_no_more(world: World) -> None:
    await a_node(world)

    def first() -> bool:
        with associated(door, VERIFICATION) as association:
            assert association.send_c_echo().Status == 0
            ready.set()
            removed.wait(30)
            return "Status" not in association.send_c_echo()

    ready, removed = threading.Event(), threading.Event()
    async with associating(world.hub) as door:
        speaking = asyncio.create_task(aside(first))
        await aside(ready.wait, 30)
        async with world.hub.database.write() as connection:
            await remove_node(connection, "hospital-a")
        removed.set()

        assert await speaking


async def test_associations_are_bounded_for_each_node_and_in_all(settings: Settings) -> None:
    few = {"dimse_associations": 3, "dimse_associations_each": 2}
    async with running(settings.model_copy(update=few)) as world, associating(world.hub) as door:
        await a_node(world)
        await a_node(world, "hospital-b")

        def flood() -> list[tuple[int, ...]]:
            with associated(door, VERIFICATION) as one, associated(door, VERIFICATION) as two:
                assert one.is_established
                assert two.is_established
                with associated(door, VERIFICATION) as third:
                    refused = [third.acceptor.primitive]
                with associated(door, VERIFICATION, title="HOSPITAL-B") as other:
                    assert other.is_established
                    with associated(door, VERIFICATION, title="HOSPITAL-B") as last:
                        refused.append(last.acceptor.primitive)
            return [(one.result, one.result_source, one.diagnostic) for one in refused]

        assert await aside(flood) == [(2, 3, 2), (2, 3, 2)]
        assert await aside(found, door, asking("STUDY", StudyInstanceUID="")) == [0]


@pytest.mark.parametrize(
    "binding",
    [
        Binding("a", "c", "TITLE"),
        Binding("a", "c", "", network="10.0.0.1"),
        Binding("a", "c", "SEVENTEEN-LETTERS", network="10.0.0.1"),
        Binding("a", "c", "BACK\\SLASH", network="10.0.0.1"),
        Binding("a", "c", " BLANK", network="10.0.0.1"),
        Binding("a", "c", "TITLE", network="10.0.0.1/8"),
        Binding("a", "c", "TITLE", network="10.0.0.1", purpose="BTG"),
        Binding("a", "c", "TITLE", network="10.0.0.1", host="pacs"),
        Binding("a", "c", "TITLE", network="10.0.0.1", host="pa cs", port=104),
        Binding("a", "c", "TITLE", network="10.0.0.1", host="pacs", port=70_000),
    ],
)
def test_a_node_is_known_by_more_than_its_title(binding: Binding) -> None:
    with pytest.raises(NotBound):
        checked(binding)


async def test_who_is_too_fast_for_too_long_is_told_so_and_nothing_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.access.limits.LONGEST_WAIT_SECONDS", 0.05)
    await a_node(world)
    world.hub.limits = Limits(world.hub.settings.model_copy(update={"requests_per_second": 0.01}))
    uid, find, action = CT_CLASS, STUDY_ROOT_FIND, about((CT_CLASS, MINE))

    def asked() -> list[int]:
        with associated(door, VERIFICATION, uid, find, COMMITMENT) as association:
            # The burst is used up: one of a tenth of a message.
            statuses = [association.send_c_store(pydicom.dcmread(BytesIO(a_file(CT)))).Status]
            statuses += [status.Status for status, _ in association.send_c_find(asking("STUDY", PatientID="*"), find)]
            statuses.append(association.send_n_action(action, 1, UID(COMMITMENT), INSTANCE)[0].Status)
            statuses.append(association.send_c_echo().Status)
        return statuses

    async with associating(world.hub) as door:
        assert await aside(asked) == [0xA700, 0xA700, 0x0213, 0]
    world.hub.limits = Limits(world.hub.settings)
    assert (await world.http.get("/dicomweb/instances", headers=await world.client("hospital-a"))).json() == []
    assert list(world.hub.settings.home.rglob("incoming-*")) == []
