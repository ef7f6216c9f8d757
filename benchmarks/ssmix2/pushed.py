"""A store pushed by a real gateway into a real hub, both killed on the way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from app.access.enrol import client_key_path, enrol_client, enrol_organisation
from app.access.register import checked
from app.db import open_database
from app.exchange.ssmix2.gateway.journal import Journal
from app.exchange.ssmix2.tables import ssmix2_entry, ssmix2_file
from app.lifecycle import open_hub
from app.settings import Settings
from benchmarks import servers, setup
from benchmarks.servers import Server
from fhir.store.tables import resource
from fhir.store.types import NAMES

GATEWAY = "gateway"
LONGEST_SECONDS = 3_600.0


@dataclass(slots=True)
class Pushed:
    """What a push took."""

    files: int = 0
    wall_seconds: float = 0.0
    hub_seconds: float = 0.0
    """Processor time of the hub and of the processes beside it."""
    gateway_seconds: float = 0.0
    hub_growth_mebibytes: float = 0.0
    """From after its first files to its highest."""
    gateway_growth_mebibytes: float = 0.0
    kills: int = 0


async def _make(settings: Settings) -> None:
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        await enrol_organisation(hub, slug="hospital", title="hospital", kind="hospital", number="0110000001")
        registered = checked(id=GATEWAY, kind="system", authentication="private_key_jwt", scopes="ssmix2")
        await enrol_client(
            hub, id=GATEWAY, title=GATEWAY, organisation="hospital", role="system", jwks=None, registered=registered
        )
    finally:
        await hub.close()


def prepare(settings: Settings) -> None:
    """Make an empty hub with a hospital and its gateway."""
    setup.migrate(settings)
    asyncio.run(_make(settings))


def _memory(pid: int, what: str) -> float:
    with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) / 1024
    return 0.0


class _Push:
    """One push, from an empty hub to the last file."""

    def __init__(self, settings: Settings, root: Path, state: Path, kills: int) -> None:
        self._settings, self._root, self._state = settings, root, state
        self._kills = kills
        self.done = Pushed()

    def sent(self) -> int:
        """Return how many files the journal says were sent."""
        if not (self._state / "journal.sqlite3").exists():
            return 0
        journal = Journal(self._state / "journal.sqlite3")
        try:
            return sum(journal.counts())
        finally:
            journal.close()

    def _command(self) -> list[str]:
        told = {
            "--hub": self._settings.address,
            "--client-id": GATEWAY,
            "--key": str(client_key_path(self._settings, GATEWAY)),
            "--state": str(self._state),
            "--settle": "0",
        }
        options = [one for pair in told.items() for one in pair]
        return [
            *(sys.executable, "-c", "from app.cli import main; main()", "gateway", "ssmix2", str(self._root)),
            *(*options, "--once"),
        ]

    def run(self, server: Callable[[], "_Hub"], files: int) -> Pushed:
        """Push all files, and kill the gateway, and once the hub, on the way."""
        hub = server()
        for kill in range(self._kills + 1):
            until = files * (kill + 1) // (self._kills + 1) if kill < self._kills else files + 1
            self._leg(hub, until)
            if kill < self._kills:
                self.done.kills += 1
            if kill == 0 and self._kills:
                self.done.hub_seconds += hub.seconds()
                hub.kill()
                hub = server()
        self.done.hub_seconds += hub.seconds()
        self.done.files = self.sent()
        hub.stop()
        return self.done

    def _leg(self, hub: "_Hub", until: int) -> None:
        """Run a gateway until so many files were sent, then kill it; to its end when there are not so many."""
        before, began = hub.memory("VmRSS"), time.monotonic()
        gateway = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        first = seconds = 0.0
        at_first = self.sent()
        while gateway.poll() is None and time.monotonic() - began < LONGEST_SECONDS:
            sent = self.sent()
            if first == 0.0 and sent > at_first:
                first, before = _memory(gateway.pid, "VmRSS"), hub.memory("VmRSS")
            if first:
                self._grown(gateway.pid, hub, first, before)
            seconds = max(seconds, servers.seconds(gateway.pid))
            if sent >= until:
                gateway.kill()
            with suppress(subprocess.TimeoutExpired):
                gateway.wait(0.2)
        gateway.wait(10)
        self.done.wall_seconds += time.monotonic() - began
        self.done.gateway_seconds += seconds

    def _grown(self, pid: int, hub: "_Hub", first: float, before: float) -> None:
        done = self.done
        done.gateway_growth_mebibytes = max(done.gateway_growth_mebibytes, _memory(pid, "VmRSS") - first)
        done.hub_growth_mebibytes = max(done.hub_growth_mebibytes, hub.memory("VmRSS") - before)


class _Hub:
    """A hub's server, started here so that it can be killed."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._running = servers.hub(setup.environment(settings), settings.port, log, pinned=False)
        self._server: Server = self._running.__enter__()

    def seconds(self) -> float:
        return self._server.processor_seconds() + servers.children_seconds(self._server.pid)

    def memory(self, what: str) -> float:
        return _memory(self._server.pid, what)

    def kill(self) -> None:
        os.kill(self._server.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self._running.__exit__(None, None, None)


def push(settings: Settings, root: Path, state: Path, *, files: int, kills: int) -> Pushed:
    """Push a store of so many files and return what it took.

    Args:
        settings: Of a hub that `prepare` made.
        root: The store.
        state: The gateway's folder.
        files: How many files the store has.
        kills: How often the gateway is killed on the way; with the first, the hub too.
    """
    return _Push(settings, root, state, kills).run(lambda: _Hub(settings, settings.home / "hub.log"), files)


async def _counted(settings: Settings) -> Mapping[str, int]:
    database = await open_database(settings)
    try:
        rows = await database.reader.fetch(
            select(resource.c.type, func.count()).where(resource.c.deleted == 0).group_by(resource.c.type), {}
        )
        found = {NAMES[number]: count for number, count in rows}
        for name, table in (("files", ssmix2_file), ("entries", ssmix2_entry)):
            found[name] = (await database.reader.fetch(select(func.count()).select_from(table), {}))[0][0]
        return found
    finally:
        await database.close()


def lost_or_twice(settings: Settings, wanted: Counter[str], files: int) -> str:
    """Return what is missing in a hub, or is there twice; empty when all is there once."""
    found = asyncio.run(_counted(settings))
    wrong = {name: (count, found.get(name, 0)) for name, count in wanted.items() if found.get(name, 0) != count}
    if found["files"] != files:
        wrong["files"] = (files, found["files"])
    return json.dumps(wrong) if wrong else ""
