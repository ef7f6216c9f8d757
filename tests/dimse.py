"""DICOM applications that call a hub of these tests: dcmtk's, and pynetdicom's."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context, evt
from pynetdicom.association import Association

from app.hub import Hub
from app.imaging.dimse.listener import Listener
from app.imaging.dimse.node import Binding, add_node
from tests.world import World

T = TypeVar("T")

SECONDS = 60
"""After so long a program of these tests is ended."""


ANSWER_SECONDS = 15


@asynccontextmanager
async def associating(hub: Hub) -> AsyncIterator[Listener]:
    """Open the hub's DIMSE door."""
    listener = Listener(hub)
    listener.open()
    serving = asyncio.create_task(listener.serve())
    await asyncio.sleep(0)
    try:
        yield listener
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await listener.close()


async def a_node(world: World, site: str = "hospital-a", **stated: Any) -> None:
    """Let a system of a site call, known by its address."""
    await world.client(site)
    known = {"name": site, "client": f"{site}-system", "title": site.upper(), "network": "127.0.0.1", **stated}
    async with world.hub.database.write() as connection:
        await add_node(connection, Binding(**known))


async def dcmtk(program: str, *arguments: str | Path, folder: Path | None = None) -> tuple[int, str]:
    """Run a program of dcmtk and return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        program, *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return process.returncode, printed.decode("utf-8", "replace")


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run what blocks in a thread: the hub shares the loop of the test."""
    return await asyncio.wait_for(asyncio.to_thread(work, *arguments), SECONDS)


STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
VERIFICATION, COMMITMENT = "1.2.840.10008.1.1", "1.2.840.10008.1.20.1"


@contextmanager
def associated(
    door: Listener, *classes: str, title: str = "HOSPITAL-A", called: str = "RENKEI", **how: Any
) -> Iterator[Association]:
    """Ask for an association; what blocks is run by `aside`."""
    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    syntaxes = how.pop("syntaxes", [ExplicitVRLittleEndian])
    contexts = [build_context(one, syntaxes) for one in classes]
    found = entity.associate("127.0.0.1", door.port, contexts, ae_title=called, **how)
    try:
        yield found
    finally:
        if found.is_established:
            found.release()
        if found.dul.socket is not None and found.dul.socket.socket is not None:
            # pynetdicom leaves it open where the other side went first.
            found.dul.socket.socket.close()


def asking(level: str, **keys: Any) -> Dataset:
    """Return an identifier."""
    made = Dataset()
    made.QueryRetrieveLevel = level
    with warnings.catch_warnings():
        # What is wrong is asked on purpose.
        warnings.simplefilter("ignore")
        for keyword, value in keys.items():
            setattr(made, keyword, value)
    return made


def found(door: Listener, asked: Dataset, *, title: str = "HOSPITAL-A", model: str = STUDY_ROOT_FIND) -> Sequence[Any]:
    """Return the matches of a C-FIND, and its last status."""
    with associated(door, model, title=title) as association:
        answers = list(association.send_c_find(asked, model))
    return [*(one for status, one in answers if status.Status in (0xFF00, 0xFF01)), answers[-1][0].Status]


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds; what it returns may be awaited."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = holds()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


@contextmanager
def taking(
    title: str, *, syntaxes: Sequence[str] = (), status: int = 0, meanwhile: Callable[[], object] = int
) -> Iterator[tuple[int, list[Any]]]:
    """Take instances on a port of its own; yield the port, and the messages that come."""
    entity = AE(ae_title=title)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or "", list(syntaxes or ALL_TRANSFER_SYNTAXES))
    entity.add_supported_context(COMMITMENT, scu_role=True, scp_role=True)
    came: list[Any] = []

    def take(event: evt.Event) -> int:
        came.append(event.request)
        event.request.octets = event.request.DataSet.getvalue()
        event.request.syntax = str(event.context.transfer_syntax)
        meanwhile()
        return status

    def hear(event: evt.Event) -> tuple[int, None]:
        came.append(event.event_information)
        return 0, None

    handlers = [(evt.EVT_C_STORE, take), (evt.EVT_N_EVENT_REPORT, hear)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)  # type: ignore[arg-type]
    try:
        yield server.socket.getsockname()[1], came
    finally:
        server.shutdown()
