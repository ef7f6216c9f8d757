"""A hub that is ended again and again at random moments of a mixed load, and the proof after each end.

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
import httpx
from sqlalchemy import update

from app.access.tables import token
from app.db.migrate import upgrade
from app.settings import Settings
from tests import postgresql
from tests.e2e import inside, load, proof
from tests.e2e.ledger import Ledger
from tests.e2e.load import Client
from tests.e2e.plan import PLAN, RECEIVER, share
from tests.hub_process import HubProcess
from tests.world import running

SEED = os.environ.get("RENKEI_CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
SITES = ("hospital-a", "hospital-b")
CLIENTS = 8
LOAD_SECONDS = (0.0, 1.0)
"""When the kill comes, after the first write of a round was acknowledged: a hub that has just started warms up."""

WARM_SECONDS = 20
"""How long that may take."""

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
    loads: int = 0

    def load(self, strike: Callable[[], None], *, patience: int = 1, seconds: float | None = None) -> None:
        """Let clients work until `strike`, which comes at a random moment, has been done to them."""
        self.loads += 1
        clients = [(f"{SEED}-{self.loads}-{number}", SITES[number % 2]) for number in range(CLIENTS)]
        moment = self.random.uniform(*LOAD_SECONDS) if seconds is None else seconds

        async def run() -> None:
            self.ledger.warm = asyncio.Event()
            plan = load.load(self.hub.address, clients, PLAN, self.tokens, self.ledger, patience=patience)
            task = asyncio.create_task(plan)
            warm = asyncio.create_task(self.ledger.warm.wait())
            await asyncio.wait((warm, task), timeout=WARM_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            assert self.ledger.warm.is_set(), f"Nothing was acknowledged: {self.ledger.surprises}"
            await asyncio.sleep(moment)
            await asyncio.to_thread(strike)
            await asyncio.wait_for(task, 60)

        asyncio.run(run())

    def share(self) -> None:
        """Make what all clients of a site change."""

        async def run() -> None:
            async with httpx.AsyncClient(base_url=self.hub.address) as http:
                for site in SITES:
                    await share(Client(f"{SEED}-{site}", site, http, self.tokens, self.ledger, self.random))

        asyncio.run(run())
        self.ledger.settle()

    def round(self, kind: str, *, index: bool = True, everything: bool = False) -> list[str]:
        """Load, kill, start, and return what is not as it was promised."""
        since = self.begin()
        KINDS[kind](self)
        return self.prove(since, index=index, everything=everything)

    def begin(self) -> int:
        """Begin a round and return its instant."""
        self.rounds += 1
        return inside.instant()

    def prove(self, since: int, *, index: bool = True, everything: bool = False) -> list[str]:
        """Return what is not as it was promised since an instant; the hub runs."""
        found = self.prove_outside(everything=everything) + self.prove_inside(since, index=index)
        self.ledger.settle()
        return [f"seed {SEED}, round {self.rounds}: {one}" for one in found]

    def prove_outside(self, *, everything: bool = False) -> list[str]:
        """Return what the hub answers otherwise than it promised."""
        return asyncio.run(proof.findings(self.hub.address, self.tokens, self.ledger, everything=everything))

    def prove_inside(self, since: int, *, index: bool = True) -> list[str]:
        """Return what does not agree in the tables; the hub runs or not."""
        return asyncio.run(inside.findings(self.settings, self.ledger, self.witness, since=since, index=index))


def _kill_hub(crashes: Crashes) -> None:
    crashes.load(crashes.hub.kill)
    crashes.hub.start()


def _kill_twice(crashes: Crashes) -> None:
    """Kill the hub, and again while it starts, when it integrates what the first crash left."""
    crashes.load(crashes.hub.kill)
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

        crashes.load(strike, patience=2)
        crashes.hub.wait()

    return kill


def _two_workers(crashes: Crashes) -> None:
    """Kill a hub of two processes, each with a leader of its own."""
    crashes.hub.stop()
    extra = crashes.hub.extra
    crashes.hub.extra = {**extra, "RENKEI_WORKERS": "2"}
    crashes.hub.start()
    crashes.load(crashes.hub.kill)
    crashes.hub.start()
    # Time for both leaders to meet at what the crash left.
    crashes.load(crashes.hub.kill)
    crashes.hub.extra = extra
    crashes.hub.start()


KINDS: dict[str, Callable[[Crashes], None]] = {
    "hub": _kill_hub,
    "hub twice": _kill_twice,
    "two workers": _two_workers,
    "postmaster -9": _kill_postmaster(signal.SIGKILL),
    "postmaster -3": _kill_postmaster(signal.SIGQUIT),
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
def crashes(
    kind: str, home: Path, command: Sequence[str] = (), *, options: str = "", place: Path | None = None, **extra: str
) -> Iterator[Crashes]:
    """A hub on an empty database of a kind, under a server of its own that flushes.

    Args:
        kind: `sqlite` or `postgresql`.
        home: The hub's folder.
        command: What runs instead of `renkei serve`.
        options: Of the database server.
        place: Where the database server's folder is, if it matters.
        extra: More settings of the hub.
    """
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql.running(options, place=place)) if kind == "postgresql" else None
        database = ""
        if server is not None:
            asyncio.run(_create_database(server, "renkei"))
            database = f"{server.address}/renkei"
        hub = HubProcess(home, database, extra=FAST | extra)
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
