"""The hub is killed at random moments of a mixed load: what it acknowledged is there, whole and once.

`RENKEI_CRASH_SEED` repeats a run's plan; the moments themselves are as exact as the machine's clock.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import update

from app.access.tables import token
from app.db.migrate import upgrade
from app.settings import Settings
from tests import postgresql
from tests.e2e import inside, proof
from tests.e2e.ledger import Ledger
from tests.e2e.load import Client, load
from tests.e2e.plan import PLAN, RECEIVER, share
from tests.hub_process import HubProcess
from tests.world import running

SEED = os.environ.get("RENKEI_CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
SITES = ("hospital-a", "hospital-b")
CLIENTS = 8
LOAD_SECONDS = (0.02, 1.2)
"""When the kill comes, after the load began."""

FAST = {"RENKEI_CHECKPOINT_SECONDS": "0.1"}
"""The leader works often, so that it is often killed at work."""


@dataclass
class Crashes:
    """A hub that is killed again and again, and what its clients were told."""

    hub: HubProcess
    settings: Settings
    tokens: proof.Tokens
    random: random.Random
    server: postgresql.Server | None = None
    ledger: Ledger = field(default_factory=Ledger)
    witness: inside.Witness = field(default_factory=inside.Witness)
    rounds: int = 0

    def _load(self, strike: Callable[[], None], *, patience: int = 1) -> None:
        """Let clients work until `strike`, which comes at a random moment, has been done to them."""
        clients = [(f"{SEED}-{self.rounds}-{number}", SITES[number % 2]) for number in range(CLIENTS)]
        seconds = self.random.uniform(*LOAD_SECONDS)

        async def run() -> None:
            plan = load(self.hub.address, clients, PLAN, self.tokens, self.ledger, patience=patience)
            task = asyncio.create_task(plan)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(strike)
            await asyncio.wait_for(task, 60)

        asyncio.run(run())

    def share(self) -> None:
        """Make what all clients of a site change."""

        async def run() -> None:
            async with proof.httpx.AsyncClient(base_url=self.hub.address) as http:
                for site in SITES:
                    await share(Client(f"{SEED}-{site}", site, http, self.tokens, self.ledger, self.random))

        asyncio.run(run())
        self.ledger.settle()

    def round(self, kind: str, *, index: bool = True, everything: bool = False) -> list[str]:
        """Load, kill, start, and return what is not as it was promised."""
        self.rounds += 1
        since = inside.instant()
        KINDS[kind](self)
        found = asyncio.run(proof.findings(self.hub.address, self.tokens, self.ledger, everything=everything))
        found += asyncio.run(inside.findings(self.settings, self.ledger, self.witness, since=since, index=index))
        self.ledger.settle()
        return [f"seed {SEED}, round {self.rounds}, {kind}: {one}" for one in found]


def _kill_hub(crashes: Crashes) -> None:
    crashes._load(crashes.hub.kill)
    crashes.hub.start()


def _kill_twice(crashes: Crashes) -> None:
    """Kill the hub, and again while it starts, when it integrates what the first crash left."""
    crashes._load(crashes.hub.kill)
    crashes.hub.spawn()
    assert crashes.hub.process is not None
    with contextlib.suppress(Exception):
        crashes.hub.process.wait(crashes.random.uniform(0.3, 2.5))
    crashes.hub.kill()
    crashes.hub.start()


def _kill_postmaster(number: int) -> Callable[[Crashes], None]:
    """Kill PostgreSQL and start it again; the hub stays and must find its way back."""

    def kill(crashes: Crashes) -> None:
        server = crashes.server
        assert server is not None

        def strike() -> None:
            server.kill(number)
            server.start()

        crashes._load(strike, patience=2)
        crashes.hub.wait()

    return kill


def _two_workers(crashes: Crashes) -> None:
    """Kill a hub of two processes, each with a leader of its own."""
    crashes.hub.stop()
    crashes.hub.extra = {**FAST, "RENKEI_WORKERS": "2"}
    crashes.hub.start()
    crashes._load(crashes.hub.kill)
    crashes.hub.start()
    # Time for both leaders to meet at what the crash left.
    crashes._load(crashes.hub.kill)
    crashes.hub.extra = FAST
    crashes.hub.start()


KINDS: dict[str, Callable[[Crashes], None]] = {
    "hub": _kill_hub,
    "hub twice": _kill_twice,
    "two workers": _two_workers,
    "postmaster -9": _kill_postmaster(signal.SIGKILL),
    "postmaster -3": _kill_postmaster(signal.SIGQUIT),
}

ROUNDS = {
    "sqlite": ("hub", "hub", "hub twice", "two workers", "hub", "hub"),
    "postgresql": ("hub", "hub twice", "two workers", "postmaster -9", "postmaster -3", "hub"),
}


async def _prepare(settings: Settings) -> proof.Tokens:
    """Make the sites and tokens that last for hours."""
    async with running(settings) as world:
        tokens = {site: await world.client(site) for site in (*SITES, RECEIVER)}
        async with world.hub.database.write() as connection:
            await connection.execute(update(token).values(ends=token.c.ends + 86_400_000_000), {})
    return tokens


async def _create_database(server: postgresql.Server, name: str) -> None:
    connection = await asyncpg.connect(f"{server.address}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


@contextlib.contextmanager
def crashes(kind: str, home: Path, command: Sequence[str] = ()) -> Iterator[Crashes]:
    """A hub on an empty database of a kind, under a server of its own that flushes."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql.running("")) if kind == "postgresql" else None
        database = ""
        if server is not None:
            asyncio.run(_create_database(server, "renkei"))
            database = f"{server.address}/renkei"
        hub = HubProcess(home, database, extra=FAST)
        if command:
            hub.command = command
        settings = Settings(home=home, database=database, address=hub.address, cookie_secure=False)
        upgrade(settings)
        made = Crashes(hub, settings, asyncio.run(_prepare(settings)), random.Random(SEED), server)
        stack.callback(hub.kill)
        hub.start()
        made.share()
        print(f"RENKEI_CRASH_SEED={SEED}")  # noqa: T201 - shown when the test fails
        yield made


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_halved_or_doubled_by_a_crash(kind: str, tmp_path: Path) -> None:
    with crashes(kind, tmp_path) as hub:
        found = [one for name in ROUNDS[kind] for one in hub.round(name)]
        acknowledged = hub.ledger.acknowledged

    assert found == []
    assert acknowledged > 50
