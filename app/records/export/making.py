"""An export that is being made ready: what is found is held as places, and kept as files now and then.

Where an export is lies in its row, in the transaction of its files: after a restart it goes on from there. Nothing is
disclosed here, for files hold places only; but what the client may see is decided anew at each step.
"""

from collections.abc import Sequence

import orjson
from sqlalchemy import bindparam, insert

from app.blobs.tables import blob
from app.clock import instant
from app.records.export.job import EXPORTS, Wanted, files, wanted_of
from app.records.export.places import Head, packed, packed_head
from app.records.export.tables import export_file
from app.records.jobs.in_name import request_of
from app.records.jobs.job import WAITING, Step
from app.records.jobs.queue import LASTS
from app.records.jobs.run import Held, Lost
from app.records.query import read_query
from app.records.request import FhirRequest
from app.records.terminology.search import with_terms
from fhir.store.types import NAMES
from fhir.store.walk import Key

KEYS = 2_000
"""Places that one statement looks up."""

FILE_PLACES = 50_000
"""The most resources that are held, and so the most of a file; about fifteen megabytes."""

_ADD_FILE = insert(export_file).values({column.name: bindparam(f"n_{column.name}") for column in export_file.columns})


def _place(position: str) -> tuple[int, list[int]]:
    """Return the step and the place in it that a job's position says."""
    read = orjson.loads(position or "{}")
    if isinstance(read, list):
        # It was written by a release in which every place was a last change and a row.
        step, changed, row, *_ = read
        return step, [changed, row] if row else []
    return read.get("step", 0), read.get("place", [])


class Making:
    """One export.

    Attributes:
        wanted: What was asked for.
        step: Which type, or which person, is looked up.
        place: Where in that step: numbers whose meaning is that of the walk.
        header: What comes before the next places that are held.
        kept: How often what was held was kept.
        continues: Whether what the last place belongs to goes on in the next file.
    """

    def __init__(self, held: Held) -> None:
        self.held = held
        self.hub = held.hub
        self.wanted: Wanted = wanted_of(held.job)
        self.step, self.place = _place(held.job.position)
        self.header: Key | None = None
        self.kept = 0
        self.continues = False
        self._by_type: dict[str, list[Key]] = {}
        self._count = 0
        self._number = 0

    @property
    def steps(self) -> int:
        """How many steps there are."""
        if self.wanted.patients is not None:
            return len(self.wanted.patients)
        return 1 if self.wanted.organized else len(self.wanted.types)

    @property
    def is_full(self) -> bool:
        """Whether what is held must be kept: it is much, or the export must say that it is at work."""
        return self._count >= FILE_PLACES or self.hub.clock() > self.held.until - LASTS // 2

    async def count_files(self) -> None:
        """Learn how many files there are, after a restart."""
        self._number = len(await files(self.hub.database.reader, self.held.job.id))

    async def request(self) -> FhirRequest:
        """Return a request in the name of the client, with the rights that it has now.

        Raises:
            Lost: the client may not call any more.
        """
        return await request_of(self.hub, self.held.job, "/fhir/$export")

    def end_step(self) -> None:
        """Go on to the next step."""
        self.step, self.place = self.step + 1, []

    def hold(self, keys: Sequence[Key], type_name: str | None = None) -> None:
        """Hold places, for a file of their type or of the one that is named."""
        if keys and self.header is not None:
            keys, self.header = [self.header, *keys], None
        for key in keys:
            self._by_type.setdefault(NAMES[key.type_number] if type_name is None else type_name, []).append(key)
        self._count += len(keys)

    async def matches(
        self, request: FhirRequest, type_name: str, filters: Sequence[Sequence[Sequence[str]]], after: int, alone: bool
    ) -> tuple[list[Key], int | None]:
        """Return where resources lie that one of the filters matches, each once, and the row to go on after.

        Args:
            request: In the name of the client.
            type_name: Their type.
            filters: The queries, of which one must match.
            after: The row before these.
            alone: Whether a Patient that a filter names stands for itself, not for the person.
        """
        found: dict[int, Key] = {}
        ends: list[int] = []
        for pairs in filters:
            asked = [(name, text) for name, text in pairs]
            if self.wanted.since:
                asked.append(("_lastUpdated", f"ge{instant(self.wanted.since)}"))
            query = await with_terms(request, read_query(self.hub, type_name, asked))
            keys = await request.record.places(query, after_row=after, limit=KEYS, alone=alone)
            found |= {key.row: key for key in keys}
            if len(keys) == KEYS:
                ends.append(keys[-1].row)
        # Each filter was looked at up to here; what lies beyond is found again.
        end = min(ends, default=None)
        return [found[row] for row in sorted(found) if end is None or row <= end], end

    async def keep(self, state: int = WAITING) -> None:
        """Keep what is held as files, and where the export is, in one transaction.

        Raises:
            Lost: the export was called off, or is another process's by now.
        """
        kept = []
        custodian = (await self.request()).caller.organisation
        for type_name, keys in sorted(self._by_type.items()):
            once = keys if self.wanted.organized else list({key.row: key for key in keys}.values())
            incoming = self.hub.blobs.incoming()
            try:
                incoming.write(packed_head(Head(self.held.job.id, self._number)))
                incoming.write(packed(once))
                digest = await self.hub.blobs.keep(custodian, incoming)
            finally:
                incoming.discard()
            named = f"{type_name}+" if self.continues else type_name
            kept.append((self._number, named, digest, len(once), incoming.size))
            self._number += 1
        now, job = self.hub.clock(), self.held.job
        step = Step(self.step, self.steps, orjson.dumps({"step": self.step, "place": self.place}).decode(), state)
        async with self.hub.database.write() as connection:
            if not await EXPORTS.advance(connection, job, self.held.until, now + LASTS, step):
                raise Lost
            for number, named, digest, count, size in kept:
                row = {"job": job.id, "number": number, "type": named, "custodian": custodian}
                row |= {"digest": digest, "count": count}
                await connection.insert(blob, [(custodian, digest, size, now)])
                await connection.execute(_ADD_FILE, {f"n_{name}": value for name, value in row.items()})
        self.held.until = now + LASTS
        self._by_type, self._count, self.kept = {}, 0, self.kept + 1
