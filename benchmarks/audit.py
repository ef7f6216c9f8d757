"""What the audit log costs to prove and to search: ratios measured in one run.

    python -m benchmarks.audit [--records 1000000] [--database postgresql://…/empty]

A patient has a hundred records and a person a thousand, whatever the log's size. Bars: a proof goes through an export
at 0.3 of the rate at which its records are hashed, or more; a search by patient or by person among a million records
costs 1.5 times that among 10,000 or less.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select, text

from app.audit.export import RECORDS, verify_export
from app.audit.extract import export
from app.audit.grow import frontier, grow
from app.audit.pointer import point
from app.audit.record import Event, seal, year_of
from app.audit.retain import expired, remove_expired
from app.audit.review import Question, Reviewer
from app.audit.tables import audit_pointer, audit_record, audit_salt
from app.clock import now, row_time
from app.db import Database
from app.db.migrate import upgrade
from app.hub import Hub
from app.lifecycle import audit_keys, open_hub
from app.settings import Settings

SMALL = 10_000
PER_PATIENT, PER_USER = 100, 1_000
AT_ONCE = 10_000
QUESTIONS = 60
PAGE = 50
REMOVES_SECONDS = 20.0
TWO_YEARS = 2 * 366 * 86_400_000_000

_OLDEST = select(func.min(audit_record.c.row))


def _salt(patient: int) -> bytes:
    return patient.to_bytes(32, "big")


def _event(number: int, patients: int, users: int, begins: int) -> Event:
    patient = random.randrange(patients)
    return Event(
        recorded=begins + number * 1_000,
        action="R",
        interaction="search-type",
        patient=f"Patient/p{patient}",
        patient_key=patient + 1,
        user=f"u{random.randrange(users)}",
        user_name="山田 太郎",
        client="portal",
        organisation=f"Organization/{patient % 40}",
        custodian=f"Organization/{patient % 37}",
        role="doctor",
        purpose="TREAT",
        network="192.0.2.1",
        method="GET",
        path="/fhir/Observation",
        query="patient=1&code=4548-4&_sort=-date",
    )


async def fill(hub: Hub, first: int, end: int) -> None:
    """Put the records `[first, end)` in the log."""
    keys, begins = hub.audit.keys, now() - 86_400_000_000
    year, patients, users = year_of(begins), end // PER_PATIENT, max(1, end // PER_USER)
    for at in range(first, end, AT_ONCE):
        events = [_event(number, patients, users, begins) for number in range(at, min(at + AT_ONCE, end))]
        rows = [(hub.new_row(), seal(one, keys, _salt(one.patient_key or 0))) for one in events]
        hashes = {keys.pseudonym("patient", str(one.patient), year, 1)[1]: one.patient_key or 0 for one in events}
        async with hub.database.write() as connection:
            edge = await frontier(connection)
            await connection.insert(audit_record, rows)
            await grow(connection, edge, rows)
            pointers = [(hash_, point(keys, hash_, key, year, 1)) for hash_, key in sorted(hashes.items())]
            await connection.insert_missing(audit_pointer, pointers)
            await connection.insert_missing(audit_salt, [(key, _salt(key)) for key in sorted(hashes.values())])
    # A last checkpoint of all of it.
    await hub.audit.append([Event(now(), "E", "start")])
    await hub.leader.integrate_all()
    await settle(hub.database)


async def settle(database: Database) -> None:
    """Bring the database to the state in which a log lies that was not written a moment ago.

    What SQLite wrote lies in its file, not in the write-ahead log; PostgreSQL has been through its rows once, as its
    autovacuum goes. Statistics count for connections that are opened afterwards.
    """
    if database.dialect == "sqlite":
        async with database.write() as connection:
            await connection.execute(text("ANALYZE"), {})
        await database.reader.fetch(text("PRAGMA wal_checkpoint(TRUNCATE)"), {})
        return
    for table in ("audit_record", "audit_index", "audit_pointer", "audit_salt"):
        await database.reader.fetch(text(f"VACUUM (ANALYZE) {table}"), {})


async def milliseconds_of_a_page(hub: Hub, ask: Callable[[], Question]) -> float:
    """Return how long a page takes to be found and opened by a reviewer that remembers nothing.

    Of many, the one that a tenth are faster than: other work on the machine makes pages slower, never faster.
    """
    taken = []
    for _ in range(QUESTIONS):
        question, reviewer, begun = ask(), Reviewer(hub.audit.keys), time.perf_counter()
        await reviewer.ask(hub.database.reader, question, now=now(), limit=PAGE)
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[len(taken) // 10] * 1_000


async def searches(hub: Hub, size: int) -> dict[str, float]:
    """Return the milliseconds of a page by patient, and by person."""
    patients, users = size // PER_PATIENT, max(1, size // PER_USER)
    return {
        "patient": await milliseconds_of_a_page(
            hub, lambda: Question(patient=f"Patient/p{random.randrange(patients)}")
        ),
        "person": await milliseconds_of_a_page(hub, lambda: Question(user=f"u{random.randrange(users)}")),
    }


async def bytes_of_an_event(hub: Hub, records: int) -> dict[str, float]:
    """Return how much of the disk a record takes: on PostgreSQL by table, with its indexes, on SQLite in all."""
    if hub.database.dialect == "sqlite":
        await hub.database.reader.fetch(text("PRAGMA wal_checkpoint(TRUNCATE)"), {})
        return {"bytes of an event": hub.settings.sqlite_path.stat().st_size / records}
    found = {}
    for name in ("audit_record", "audit_leaf", "audit_index", "audit_node", "audit_checkpoint"):
        rows = await hub.database.reader.fetch(text(f"SELECT pg_total_relation_size('{name}')"), {})
        found[f"bytes of an event, {name}"] = int(rows[0][0]) / records
    return found | {"bytes of an event": sum(found.values())}


async def removals_a_second(hub: Hub) -> float:
    """Return how many records retention removes in a second, while nobody else writes."""
    oldest = (await hub.database.reader.fetch(_OLDEST, {}))[0][0]
    hub.settings = hub.settings.model_copy(update={"audit_years": 1})
    hub.clock = lambda: row_time(int(oldest)) + TWO_YEARS
    begun = time.perf_counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(REMOVES_SECONDS):
            await remove_expired(hub)
    return (await expired(hub.database.reader))[0] / (time.perf_counter() - begun)


async def proof_rate(hub: Hub, folder: Path) -> float:
    """Return the rate of a proof as a share of the rate of hashing the same records."""
    verifier = audit_keys(hub.settings)[1].verifier
    await export(hub.database, folder, verifier)
    shares = []
    for _ in range(3):
        begun = time.process_time()
        verdict = verify_export(folder, verifier)
        proven = time.process_time() - begun
        if not verdict.ok:
            raise SystemExit(verdict.message)
        begun = time.process_time()
        with (folder / RECORDS).open("rb") as records:
            for line in records:
                sha256(line).digest()
        shares.append((time.process_time() - begun) / proven)
    return statistics.median(shares)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Hub]:
    """Open the hub, as a process that begins: what it knows of the log, it reads."""
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        yield hub
    finally:
        await hub.close()


async def measure(settings: Settings, records: int) -> dict[str, float]:
    """Return the ratios, and what they are made of; the database is migrated and empty."""
    async with opened(settings) as hub:
        await fill(hub, 0, SMALL)
    async with opened(settings) as hub:
        few = await searches(hub, SMALL)
        await fill(hub, SMALL, records)
    async with opened(settings) as hub:
        many = await searches(hub, records)
        found = {f"{name}, milliseconds among {records}": many[name] for name in many}
        found |= {f"{name}, times that among {SMALL}": many[name] / few[name] for name in many}
        found |= await bytes_of_an_event(hub, records)
        found["proof, share of hashing"] = await proof_rate(hub, settings.home / "export")
        found["removals a second"] = await removals_a_second(hub)
    return found


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; SQLite without it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database=asked.database)
        upgrade(settings)
        for name, value in asyncio.run(measure(settings, asked.records)).items():
            print(f"{name}: {value:.2f}")


if __name__ == "__main__":
    main()
