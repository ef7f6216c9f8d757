"""Writes a batch of lines in one transaction, by the way of a create and an update."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.records.bulk_import.ids import rows_of
from app.records.bulk_import.job import Fault
from app.records.bulk_import.line import Line, attached_anew, faults, links_of
from app.records.commit import committed
from app.records.request import FhirRequest
from app.records.row_ids import id_of
from app.records.writing import Writing
from fhir.errors import FhirError
from fhir.search.hashing import hash64
from fhir.store.read import read, received
from fhir.store.stored import Stored
from fhir.store.write import PUT


@dataclass(slots=True)
class Done:
    """What became of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


TOGETHER = 20
"""Lines that are gathered without a pause."""

Keep = Callable[[Writing, Done], Awaitable[None]]
"""Keeps where the import is, in the transaction of the batch."""


class _Batch:
    """One batch."""

    def __init__(self, source: str, file: int, lines: Sequence[Line]) -> None:
        self.done = Done()
        self._source = source
        self._file = file
        self._lines = lines
        self._rows: Mapping[str, int] = {}

    async def work(self, writing: Writing) -> Done:
        """Gather all lines; what cannot be written is a fault and hinders no other line."""
        self.done = Done()
        custodian = writing.request.authority.custodian
        # Two imports of a site write one after the other, so that each finds what the other wrote.
        await writing.connection.lock(hash64(f"import {custodian}"))
        links = {link for one in self._lines for link in (one.link, *one.links)}
        self._rows = await rows_of(writing.connection, custodian, self._source, sorted(links))
        for number, one in enumerate(self._lines):
            if number % TOGETHER == 0:
                # Requests that read go on in between.
                await asyncio.sleep(0)
            try:
                await self._write(writing, one)
            except FhirError as error:
                self.done.faults += faults(error, self._file, one.number)
        return self.done

    async def _write(self, writing: Writing, line: Line) -> None:
        type_name = line.prepared.type
        row = self._rows.get(line.link)
        id_ = line.id if row is None else id_of(row)
        links = {link: f"{link.partition('/')[0]}/{id_of(self._rows[link])}" for link in line.links & self._rows.keys()}
        current = await read(writing.connection, writing.request.visibility, type_name, id_)
        if current is not None and await self._is_same(writing, current, line, links):
            self.done.unchanged += 1
            return
        prepared = attached_anew(line.prepared, links)
        if current is None and row is not None:
            if type_name == "Patient":
                writing.announce_patient(id_, row)
            # As an update that creates: what was written before may refer to it already, and label it.
            await writing.create(prepared, row=row, id_=id_, method=PUT, references=links)
        else:
            await writing.update(prepared, id_, references=links)
        if current is None:
            self.done.created += 1
        else:
            self.done.updated += 1

    async def _is_same(self, writing: Writing, current: Stored, line: Line, links: Mapping[str, str]) -> bool:
        """Return whether a line was written before, by this site, and refers to nothing that got an id since."""
        if current.deleted or current.custodian != writing.request.authority.custodian:
            return False
        named = (current.type, current.id, current.version)
        found = await received(writing.connection, writing.request.visibility, *named)
        if found is None or bytes(found[2]) != line.prepared.digest:
            return False
        return not any(links.get(link, link) != link for link in links_of(bytes(current.body)))


async def write(request: FhirRequest, source: str, file: int, lines: Sequence[Line], keep: Keep) -> Done:
    """Write lines of a file, none of which writes a resource twice, and keep where the import is; all or nothing.

    Raises:
        StaleCaller: the rights of callers have changed; nothing was written.
        FhirError: the batch cannot be committed: something else changed one of its resources.
        DatabaseUnavailable: the transaction could not begin or commit.
    """
    batch = _Batch(source, file, lines)

    async def work(writing: Writing) -> Done:
        done = await batch.work(writing)
        await keep(writing, done)
        return done

    return await committed(request, work)
