"""What the audit log adds to a read: processor time and waiting, beside a bare answer, in one run.

    python -m benchmarks.audit_read [--seconds 5] [--rounds 3] [--processes 1,2,4]

Four servers answer the same bytes in turn: a bare ASGI application, the hub, the hub without its log
(`benchmarks/unaudited.py`), and on PostgreSQL the hub in several processes. The processor time of a request is that of
the server's process, with what it puts off until afterwards: putting the records in the tree. Bars: the log adds at
most twice the processor time of the bare answer, and at one connection a millisecond of waiting, on SQLite.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import update

from app.access.tables import token
from app.db.migrate import upgrade
from app.settings import Settings
from benchmarks import load, servers
from benchmarks.place import Place, place
from benchmarks.servers import Server
from tests.world import a_patient, an_observation, running

OBSERVATIONS = 200
LASTS = 86_400_000_000
PROCESSOR_BAR, WAIT_BAR = 2.0, 1.0
"""Times the processor time of a bare answer, and milliseconds."""


@dataclass
class Turns:
    """What one server did."""

    seconds: float = 0.0
    """Processor time, of all its processes."""
    requests: int = 0
    paces: list[float] = field(default_factory=list)
    """Answers a second."""
    waits: list[float] = field(default_factory=list)
    """Milliseconds of an answer at one connection, medians."""

    @property
    def microseconds(self) -> float:
        """Processor time of a request."""
        return self.seconds / self.requests * 1e6

    @property
    def wait(self) -> float:
        """Milliseconds of an answer at one connection."""
        return statistics.median(self.waits)

    @property
    def pace(self) -> float:
        """Answers a second at many connections."""
        return statistics.median(self.paces)


@dataclass(frozen=True)
class Asking:
    """What is asked, and how."""

    addresses: Path
    token: str
    seconds: int
    rounds: int

    def turn(self, server: Server, turns: Turns) -> None:
        """Ask a server for a while at many connections, and at one."""
        core = servers.cores()[1]
        before = _processor(server)
        many = load.ask(server.base, self.addresses, self.token, seconds=self.seconds, core=core)
        servers.settle(server)
        turns.seconds += _processor(server) - before
        turns.requests += many.requests
        turns.paces.append(many.per_second)
        one = load.ask(server.base, self.addresses, self.token, seconds=self.seconds, core=core, connections=1)
        turns.waits.append(one.p50_milliseconds)
        servers.settle(server)


def _processor(server: Server) -> float:
    return server.processor_seconds() + servers.children_seconds(server.pid)


async def _filled(settings: Settings) -> tuple[str, list[str], bytes]:
    """Return a token, the addresses of Observations, and the answer to one."""
    await asyncio.to_thread(upgrade, settings)
    async with running(settings) as world:
        headers = await world.client("hospital-a")
        patient = (await world.post(headers, a_patient()))["id"]
        ids = [(await world.post(headers, an_observation(patient)))["id"] for _ in range(OBSERVATIONS)]
        async with world.hub.database.write() as connection:
            await connection.execute(update(token).values(ends=token.c.ends + LASTS), {})
        answer = await world.http.get(f"/fhir/Observation/{ids[0]}", headers=headers)
    return headers["Authorization"].partition(" ")[2], [f"/fhir/Observation/{id_}" for id_ in ids], answer.content


def _environment(settings: Settings, port: int, processes: int = 1) -> dict[str, str]:
    return {
        "RENKEI_HOME": str(settings.home),
        "RENKEI_DATABASE": settings.database,
        "RENKEI_PORT": str(port),
        "RENKEI_WORKERS": str(processes),
        "RENKEI_REQUESTS_PER_SECOND": "0",
    }


Start = Callable[[], AbstractContextManager[Server]]


def _starts(settings: Settings, folder: Path, body: bytes, processes: Sequence[int]) -> dict[str, Start]:
    """Return how each server is started, by its name."""
    log = folder / "servers.log"
    (folder / "body").write_bytes(body)

    def hub(count: int, module: str = "") -> Start:
        def start() -> AbstractContextManager[Server]:
            port = servers.free_port()
            command = [sys.executable, "-m", module] if module else []
            # Of several processes each needs a core of its own to show how they scale.
            return servers.hub(_environment(settings, port, count), port, log, command=command, pinned=count == 1)

        return start

    found: dict[str, Start] = {
        "bare": lambda: servers.bare("SameBytes", {"YARDSTICK_BODY": str(folder / "body")}, "/", log),
        "hub": hub(1),
        "without audit": hub(1, "benchmarks.unaudited"),
    }
    return found | {f"hub, {count} processes": hub(count) for count in processes if settings.is_postgresql}


def figures(turns: Mapping[str, Turns]) -> dict[str, float]:
    """Return the figures of what the servers did."""
    bare, ours, without = turns["bare"], turns["hub"], turns["without audit"]
    added = ours.microseconds - without.microseconds
    found = {
        "bare answer, µs of processor": bare.microseconds,
        "read, µs of processor": ours.microseconds,
        "read without audit, µs of processor": without.microseconds,
        "audit, µs of processor": added,
        "audit, times a bare answer": added / bare.microseconds,
        "read, answers a second": ours.pace,
        "read without audit, answers a second": without.pace,
        "audit, milliseconds at one connection": ours.wait - without.wait,
    }
    for name, several in turns.items():
        if name.startswith("hub, "):
            found[f"{name}, times one process"] = several.pace / ours.pace
    return found


def measure(where: Place, *, seconds: int, rounds: int, processes: Sequence[int]) -> dict[str, float]:
    """Return the figures of one engine; servers take turns, so that what else the machine does meets all alike."""
    home, database = where.empty("audit_read")
    settings = Settings(home=home, database=database, cookie_secure=False)
    secret, paths, body = asyncio.run(_filled(settings))
    addresses = home / "addresses"
    addresses.write_text("\n".join(paths) + "\n")
    asking = Asking(addresses, secret, seconds, rounds)
    starts = _starts(settings, home, body, processes)
    turns = {name: Turns() for name in starts}
    for _ in range(rounds):
        for name, start in starts.items():
            with start() as server:
                load.ask(server.base, addresses, secret, seconds=1, core=servers.cores()[1])
                servers.settle(server)
                asking.turn(server, turns[name])
    return figures(turns)


def main() -> None:
    """Print the figures of both engines, and end with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", default="1,2,4", help="how many processes of the hub, on PostgreSQL")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="one engine only")
    asked = parser.parse_args()
    counts = [int(one) for one in asked.processes.split(",")]
    missed = False
    for engine in [asked.database] if asked.database else ["sqlite", "postgresql"]:
        with place(engine, None) as where:
            found = measure(where, seconds=asked.seconds, rounds=asked.rounds, processes=counts)
        for name, value in found.items():
            print(f"{engine}: {name}: {value:.2f}")
        if engine == "sqlite":
            missed = found["audit, times a bare answer"] > PROCESSOR_BAR
            missed |= found["audit, milliseconds at one connection"] > WAIT_BAR
    raise SystemExit(int(missed))


if __name__ == "__main__":
    main()
