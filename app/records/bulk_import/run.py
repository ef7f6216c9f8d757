"""Carries imports out, a batch a transaction, in which it is also kept how far the import is.

All files are gone through once for the ids, then for Patients, for the rest, and for what points at others: a line may
refer to what comes later, but it must belong to a Patient that is there. Memory holds one batch.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path
from typing import Any

from app.access.directory import Organisation, organisations
from app.consent.decide import Authority
from app.db import WriteConnection
from app.hub import Hub
from app.packages.loaded import Profiles
from app.records.bulk_import.ids import give
from app.records.bulk_import.job import IMPORTS, Fault, Input, add_faults, position_of, wanted_of
from app.records.bulk_import.line import IDS, POINTING, Line, distinct, faults, named, ready, turn_of
from app.records.bulk_import.source import UNREADABLE, RawLine, inside, lines
from app.records.bulk_import.write import Done, Keep, write
from app.records.inside import inside_request
from app.records.jobs.job import DONE, NEVER, WAITING, Step
from app.records.jobs.queue import LASTS
from app.records.jobs.run import Held, Lost
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.writing import Writing
from fhir.errors import FhirError, InvalidValue

BATCH_LINES = 300
"""The most lines of a transaction."""

BATCH_BYTES = 4_000_000
"""The most bytes of a transaction's lines, unless one alone has more."""

Resource = tuple[RawLine, dict[str, Any], str]
"""A line, the resource it is, and its `Type/id`."""


class Importing:
    """One import.

    Args:
        held: The import as it was when it was taken.
        stopped: Asked between batches: whether to leave the rest for another time.
        tell: Told after each batch how far the import is, and what was faulty.
    """

    def __init__(
        self,
        held: Held,
        *,
        stopped: Callable[[], bool] = lambda: False,
        tell: Callable[["Importing", Sequence[Fault]], None] = lambda *_: None,
    ) -> None:
        self.wanted = wanted_of(held.job)
        self.at = position_of(held.job)
        self._held = held
        self._hub, self._job = held.hub, held.job
        self._next_until = held.until
        self._stopped = stopped
        self._tell = tell

    async def run(self) -> bool:
        """Carry out the rest and return whether that was all of it.

        Raises:
            Lost: it is not to be carried out any more, or not here.
            DatabaseUnavailable: it stays where it is.
        """
        while self.at.turn <= POINTING:
            while self.at.file < len(self.wanted.inputs):
                if self._concerned() and not await self._file():
                    await self._keep(until=0)
                    return False
                self.at.file, self.at.line = self.at.file + 1, 0
            self.at.turn, self.at.file = self.at.turn + 1, 0
        await self._keep(state=DONE)
        return True

    def _concerned(self) -> bool:
        """Return whether this pass is about anything in the file."""
        return self.at.turn == IDS or bool(self.at.counts[self.at.file].passes >> self.at.turn & 1)

    async def _file(self) -> bool:
        """Go through a file and return whether it was gone through to its end."""
        given = self.wanted.inputs[self.at.file]
        done_with = self.at.line
        most_bytes = self._hub.settings.bundle_bytes
        reading = dropwhile(lambda one: one.number <= done_with, lines(lambda: self._path(given), most_bytes))
        while True:
            if self._stopped():
                return False
            batch, failure = await asyncio.to_thread(_batch, reading)
            if batch:
                await (self._ids(batch) if self.at.turn == IDS else self._write(batch))
            if failure is not None and self.at.turn == IDS:
                text = f"The file cannot be read on from here: {type(failure).__name__}"
                await self._keep([Fault(self.at.file, self.at.line + 1, "incomplete", "", text)])
            if failure is not None or not batch:
                return True
            await asyncio.sleep(0)

    def _path(self, given: Input) -> Path:
        """Return where a file lies.

        Raises:
            FileNotFoundError: it was asked for at the FHIR door, and is not in the folder of imports any more.
        """
        if not self._job.client:
            return Path(given.path)
        folder = self._hub.settings.import_folder
        if folder is None:
            raise FileNotFoundError("There is no folder of imports any more")
        try:
            return inside(folder, given.name)
        except InvalidValue as error:
            raise FileNotFoundError(error.diagnostics) from error

    def _read(self, batch: Sequence[RawLine]) -> tuple[list[Resource], list[Fault]]:
        """Return the resources of lines, and why the others are none."""
        given, settings = self.wanted.inputs[self.at.file], self._hub.settings
        found: list[Resource] = []
        wrong: list[Fault] = []
        for raw in batch:
            try:
                most = settings.bundle_bytes if given.type == "Bundle" else settings.resource_bytes
                resource, link = named(raw, given.type, most)
                found.append((raw, resource, link))
            except FhirError as error:
                wrong += faults(error, self.at.file, raw.number)
        return found, wrong

    async def _ids(self, batch: Sequence[RawLine]) -> None:
        """Give ids to the resources of lines that cannot keep theirs."""
        found, wrong = await asyncio.to_thread(self._read, batch)
        count = self.at.counts[self.at.file]
        for _, resource, _ in found:
            count.passes |= 1 << turn_of(resource["resourceType"])
        request = await self._request()
        keeps = request.authority.may_create_id
        given = [link for _, _, link in found if not keeps(link.partition("/")[2])]
        await give(self._hub, self.wanted.custodian, self.wanted.source, given)
        self.at.line = batch[-1].number
        await self._keep(wrong)

    async def _write(self, batch: Sequence[RawLine]) -> None:
        """Write the resources of lines that are of this pass."""
        read, _ = await asyncio.to_thread(self._read, batch)
        of_turn = [one for one in read if turn_of(one[1]["resourceType"]) == self.at.turn]
        profiles = await self._hub.profiles(*(raw.body or b"" for raw, _, _ in of_turn))
        request = await self._request()
        good, wrong = await asyncio.to_thread(_checked, of_turn, self.at.file, request.authority, profiles)
        for part in distinct(good):
            last = part[-1].number
            await self._commit(part, [one for one in wrong if one.line <= last])
            wrong = [one for one in wrong if one.line > last]
        self.at.line = batch[-1].number
        await self._keep(wrong)

    async def _commit(self, part: Sequence[Line], wrong: Sequence[Fault]) -> None:
        """Write lines in one transaction; if it cannot be committed, each line in its own."""
        try:
            await self._transaction(part, wrong)
        except FhirError as error:
            if len(part) > 1:
                await self._keep(wrong)
                for one in part:
                    await self._commit([one], ())
            else:
                self.at.line = part[0].number
                await self._keep([*wrong, *faults(error, self.at.file, part[0].number)])

    async def _transaction(self, part: Sequence[Line], wrong: Sequence[Fault]) -> None:
        while True:
            before = replace(self.at, counts=[replace(one) for one in self.at.counts])
            try:
                request = await self._request()
                keep = self._kept(part[-1].number, wrong)
                done = await write(request, self.wanted.source, self.at.file, part, keep)
            except StaleCaller:
                # Rights have changed: those of the site's system are the same, under the new epoch.
                self.at = before
            except BaseException:
                self.at = before
                raise
            else:
                self._held.until = self._next_until
                self._tell(self, [*wrong, *done.faults])
                return

    def _kept(self, line: int, wrong: Sequence[Fault]) -> Keep:
        """Return what keeps where the import is once lines up to a number are written."""

        async def keep(writing: Writing, done: Done) -> None:
            count = self.at.counts[self.at.file]
            count.created += done.created
            count.updated += done.updated
            count.unchanged += done.unchanged
            self.at.line = line
            await self._note(writing.connection, [*wrong, *done.faults])
            await self._advance(writing.connection, WAITING, None)

        return keep

    async def _note(self, connection: WriteConnection, wrong: Sequence[Fault]) -> None:
        self.at.counts[self.at.file].faulty += len({one.line for one in wrong})
        self.at.faults = await add_faults(connection, self._job.id, self.at.faults, wrong)

    async def _keep(self, wrong: Sequence[Fault] = (), *, state: int = WAITING, until: int | None = None) -> None:
        """Keep where the import is, and faults, in a transaction of its own."""
        async with self._hub.database.write() as connection:
            if wrong:
                await self._note(connection, wrong)
            await self._advance(connection, state, until)
        self._held.until = self._next_until
        self._tell(self, wrong)

    async def _advance(self, connection: WriteConnection, state: int, until: int | None) -> None:
        self._next_until = self._hub.clock() + LASTS if until is None else until
        step = Step(self.at.turn, POINTING + 1, self.at.text(), state)
        ends = NEVER if state == WAITING else self._held.forgotten
        known = (self._job, self._held.until, self._next_until, step)
        if not await IMPORTS.advance(connection, *known, ends=ends):
            raise Lost

    async def _request(self) -> FhirRequest:
        """Return a request of the site's own system, with the rights of this moment.

        Raises:
            Lost: there is no such site any more.
        """
        site = await site_of(self._hub, self.wanted.custodian)
        if site is None:
            raise Lost
        request = await inside_request(self._hub, site, "POST", "/fhir/$import")
        request.interaction, request.action = "operation", "C"
        client = self._job.client or request.caller.client
        request.decide(replace(request.caller, client=client, user_title=self.wanted.who))
        return request


async def site_of(hub: Hub, custodian: int) -> Organisation | None:
    """Return the site of a key; None when there is none."""
    found = await organisations(hub.database.reader)
    return next((one for one in found if one.key == custodian), None)


def _batch(reading: Iterator[RawLine]) -> tuple[list[RawLine], Exception | None]:
    """Return the next lines of a file, none at its end, and why it cannot be read on if it cannot."""
    batch: list[RawLine] = []
    size = 0
    try:
        while len(batch) < BATCH_LINES and size < BATCH_BYTES:
            one = next(reading, None)
            if one is None:
                break
            batch.append(one)
            size += len(one.body or b"")
    except UNREADABLE as error:
        return batch, error
    return batch, None


def _checked(
    resources: Sequence[Resource], file: int, authority: Authority, profiles: Profiles
) -> tuple[list[Line], list[Fault]]:
    """Return the lines that may be written, and why the others may not."""
    good: list[Line] = []
    wrong: list[Fault] = []
    for raw, resource, link in resources:
        try:
            good.append(ready(raw, resource, link, authority, profiles))
        except FhirError as error:
            wrong += faults(error, file, raw.number)
    return good, wrong
