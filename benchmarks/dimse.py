"""`python -m benchmarks.dimse`: C-STORE into the hub, beside an application of pynetdicom that only writes files.

Both are sent the same studies by dcmtk's storescu, on one association and on several at once; the other application
flushes each file and its folder before it acknowledges, as the hub does, and does nothing else.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

from app.access.enrol import enrol_client, enrol_organisation
from app.flush import flush_folder
from app.imaging.dimse.node import Binding, add_node
from app.lifecycle import open_hub
from app.settings import Settings
from benchmarks import servers, setup
from benchmarks.place import place
from dicom.phantom import Patient, Study, instances

BARS = {"sqlite": 0.5, "postgresql": 0.2}
"""Of what the writing of files alone takes in; on PostgreSQL each instance waits for some dozen statements."""
SECONDS = 600
TITLE = "MODALITY"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dimse", description=__doc__)
    parser.add_argument("--slices", type=int, default=100, help="of each study")
    parser.add_argument("--associations", type=int, default=4, help="at once, in the second run")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    return parser.parse_args()


async def _make(settings: Settings) -> None:
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        await enrol_organisation(hub, slug="hospital", title="hospital", kind="hospital", number="0110000001")
        await enrol_client(hub, id="ct", title="ct", organisation="hospital", role="system", jwks=None)
        async with hub.database.write() as connection:
            await add_node(connection, Binding("ct", "ct", TITLE, network="127.0.0.1"))
    finally:
        await hub.close()


def write_only(port: int, folder: Path) -> None:
    """Take instances and write them, durably, until the process is ended."""

    def take(event: evt.Event) -> int:
        named = folder / f"{event.request.AffectedSOPInstanceUID}.dcm"  # type: ignore[union-attr]
        with named.open("wb") as file:
            file.write(event.encoded_dataset())
            file.flush()
            os.fsync(file.fileno())
        flush_folder(folder)
        return 0

    entity = AE(ae_title="RENKEI")
    entity.maximum_pdu_size = 131_072
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or "", ALL_TRANSFER_SYNTAXES)
    entity.start_server(("127.0.0.1", port), block=True, evt_handlers=[(evt.EVT_C_STORE, take)])


@contextmanager
def _writing(folder: Path) -> Iterator[int]:
    port = servers.free_port()
    code = "import sys, pathlib, benchmarks.dimse as it; it.write_only(int(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    process = subprocess.Popen([sys.executable, "-c", code, str(port), str(folder)])
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait(port: int) -> None:
    for _ in range(600):
        asked = ["echoscu", "-aet", TITLE, "-aec", "RENKEI", "127.0.0.1", str(port)]
        if subprocess.run(asked, capture_output=True, timeout=30).returncode in (0, 1) and _listens(port):
            return
        time.sleep(0.05)
    raise servers.NoAnswer("the application does not listen")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def studies(folder: Path, count: int, slices: int, first: int) -> list[Path]:
    """Write studies of 512 × 512 pixels, each in a folder of its own."""
    found = []
    for number in range(first, first + count):
        patient = Patient(f"P{number}", "Yamada^Tarou", "19600102", "M")
        made = Study(seed=number, patient=patient, slices=slices, edge=512)
        found.append(folder / str(number))
        found[-1].mkdir(parents=True)
        for index, octets in enumerate(instances(made)):
            (found[-1] / f"{index:04}.dcm").write_bytes(octets)
    return found


def rate(port: int, folders: list[Path], slices: int) -> float:
    """Return how many instances a second are acknowledged when each folder is sent on an association of its own."""
    command = ["storescu", "-aet", TITLE, "-aec", "RENKEI", "127.0.0.1", str(port), "+sd"]
    began = time.monotonic()
    processes = [subprocess.Popen([*command, str(folder)]) for folder in folders]
    codes = [process.wait(SECONDS) for process in processes]
    if any(codes):
        raise servers.NoAnswer(f"storescu ended with {codes}")
    return len(folders) * slices / (time.monotonic() - began)


def measured(database: str, slices: int, associations: int) -> dict[str, tuple[float, float]]:
    """Return instances a second of the hub and of the writing alone, for one association and for several."""
    with tempfile.TemporaryDirectory() as scratch, place(database, None) as lies:
        home, address = lies.empty("dimse")
        port, door = servers.free_port(), servers.free_port() + 1
        settings = Settings(home=home, database=address, port=port, address=f"http://127.0.0.1:{port}")
        setup.migrate(settings)
        asyncio.run(_make(settings))
        one = studies(Path(scratch), 1, slices, 1)
        several = studies(Path(scratch), associations, slices, 2)
        environment = {**setup.environment(settings), "RENKEI_DIMSE_PORT": str(door)}
        with servers.hub(environment, port, Path(scratch) / "hub.log", pinned=False):
            ours = [rate(door, each, slices) for each in (one, several)]
        written = Path(home) / "written"
        written.mkdir()
        with _writing(written) as other:
            theirs = [rate(other, each, slices) for each in (one, several)]
    names = ("one association", f"{associations} associations")
    return dict(zip(names, zip(ours, theirs, strict=True), strict=True))


def main() -> int:
    """Measure and return 0 if the bar is kept, 1 if it is not."""
    arguments = _arguments()
    holds = True
    for database in ("sqlite", "postgresql") if arguments.database is None else (arguments.database,):
        found = measured(database, arguments.slices, arguments.associations)
        for name, (ours, theirs) in found.items():
            ratio = f"{ours / theirs:.2f} (bar {BARS[database]})"
            print(f"{database:10}  {name:16}  {ours:6.1f} /s of {theirs:6.1f} /s: {ratio}")
            holds &= ours >= BARS[database] * theirs
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
