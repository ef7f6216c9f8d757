"""Copies of checkpoints outside the hub: in a folder, in S3, or sent to an address by PUT.

Each has its own name, by its number of records, and nothing is overwritten: what is there already must be the same
checkpoint, or the log was forked.

https://c2sp.org/tlog-checkpoint@v1.0.0
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from app.audit import note, proofs
from app.audit.publish import write
from app.clock import Clock
from app.comma import parts
from app.db import Database

SEND_SECONDS = 10.0

logger = logging.getLogger(__name__)


class Differs(Exception):
    """Another checkpoint of the same number of records was copied before: the log was forked."""


def places(setting: str) -> tuple[str, ...]:
    """Return the places of a setting, parted by commas."""
    return tuple(one.rstrip("/") for one in parts(setting))


def name_of(size: int) -> str:
    """Return the name of the copy of a checkpoint: in the order of the log when sorted."""
    return f"checkpoint-{size:020d}.txt"


class Copying:
    """Copies the newest checkpoint to every place once in a while.

    Args:
        database: The hub's database.
        places: Folders, `s3://bucket/prefix`, `https://…`.
        every_seconds: How often each place gets a copy.
        clock: The present in microseconds.
    """

    def __init__(self, database: Database, places: Sequence[str], every_seconds: float, clock: Clock) -> None:
        self._database = database
        self._places = places
        self._every = int(every_seconds * 1_000_000)
        self._clock = clock
        self._done: dict[str, int] = {}
        self.failures: dict[str, str] = {}
        """Why a place has no copy, by place; empty when all have."""

    async def run(self) -> int:
        """Copy to every place whose turn it is and return how many have it."""
        due = [one for one in self._places if self._clock() - self._done.get(one, -self._every) >= self._every]
        if not due:
            return 0
        try:
            size, signed = await proofs.newest(self._database.reader)
        except IndexError:
            return 0
        count = 0
        for place in due:
            try:
                await _copy(place, name_of(size), signed)
            except (OSError, httpx.HTTPError, httpx.InvalidURL, BaseError, Differs) as error:
                self.failures[place] = str(error) or type(error).__name__
                logger.error("The checkpoint cannot be copied to %s: %s", place, self.failures[place])
            else:
                self.failures.pop(place, None)
                self._done[place] = self._clock()
                count += 1
        return count


async def _copy(place: str, name: str, signed: str) -> None:
    if place.startswith(("http://", "https://")):
        async with httpx.AsyncClient(timeout=SEND_SECONDS, trust_env=False) as http:
            (await http.put(f"{place}/{name}", content=signed.encode())).raise_for_status()
    elif place.startswith("s3://"):
        await _to_s3(place, name, signed)
    else:
        await asyncio.to_thread(_to_folder, Path(place), name, signed)


def _to_folder(folder: Path, name: str, signed: str) -> None:
    path = folder / name
    if path.exists():
        _compare(path.read_text(encoding="utf-8"), signed)
    else:
        write(path, signed.encode())


async def _to_s3(place: str, name: str, signed: str) -> None:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    store = S3Store(bucket, prefix=prefix or None)
    try:
        found = bytes(await (await obstore.get_async(store, name)).bytes_async()).decode()
    except FileNotFoundError:
        await obstore.put_async(store, name, signed.encode())
    else:
        _compare(found, signed)


def _compare(found: str, signed: str) -> None:
    """Compare what two checkpoints say; witnesses may have signed one of them since."""
    if found.rpartition("\n\n")[0] + "\n" != note.parse(signed)[0]:
        raise Differs("another checkpoint of so many records was copied before: the log was forked")
