"""The gate: the caller's view of the store. What the caller may not see does not exist in it.

Nothing else in `app` reads resources for a caller. What a request discloses is noted here, for its audit record.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement

from app.access import epoch
from app.identity.scope import own_keys, patient_keys
from app.records.sight import Sight
from fhir.errors import Deleted, NotFound
from fhir.search.query import Query
from fhir.search.run import places
from fhir.store import history
from fhir.store import read as store
from fhir.store.connection import Connection, Row, Visibility
from fhir.store.everything import NEWEST, Part, everything
from fhir.store.history import Asked, Past
from fhir.store.named import read_named
from fhir.store.statement import Statement
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS
from fhir.store.walk import CHUNK_ROWS, Key, Span, bodies, keys_of_person, keys_of_type, keys_with_meta, referred_keys

__all__ = ["CHUNK_ROWS", "NEWEST", "Asked", "Past", "Record", "Span", "StaleCaller", "known_type"]


class StaleCaller(Exception):
    """The rights of callers changed after this one was found: identify it again."""


class _Fresh:
    """A connection whose empty answers are believed only if the caller's rights are still current.

    A row cannot be seen in another access epoch: `CallerVisibility` tests it. No row may mean just that.
    """

    def __init__(self, connection: Connection, caller_epoch: int) -> None:
        self._connection = connection
        self._epoch = caller_epoch
        self.versions = connection.versions

    async def fetch(self, statement: ClauseElement | Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        rows = await self._connection.fetch(statement, values)
        if not rows:
            now = await self._connection.fetch(epoch.CURRENT, {})
            if now[0][0] != self._epoch:
                raise StaleCaller
        return rows

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        return await self._connection.execute(statement, values)

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        await self._connection.execute_many(statement, rows)

    async def insert(self, table: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._connection.insert(table, rows)

    async def insert_missing(self, table: Any, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._connection.insert_missing(table, rows)


class Record:
    """What one caller may see, as of one request.

    Attributes:
        disclosed: The versions that the answer will hold.
    """

    def __init__(self, reader: Connection, caller_epoch: int, sight: Sight) -> None:
        self.connection: Connection = _Fresh(reader, caller_epoch)
        self._sight = sight
        self.disclosed: list[Stored] = []

    @property
    def visibility(self) -> Visibility:
        """What the caller may see."""
        return self._sight.visibility

    def _found(self, version: Stored | None, type_name: str, id_: str) -> Stored:
        if version is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        self.disclosed.append(version)
        if version.deleted:
            raise Deleted(f"{type_name}/{id_} was deleted")
        return version

    async def read(self, type_name: str, id_: str, *, as_of: int | None = None) -> Stored:
        """Return the current version of a resource, or that of an instant in microseconds.

        Raises:
            NotFound: it does not exist for the caller.
            Deleted: it was deleted.
        """
        if as_of is None:
            version = await store.read(self.connection, self.visibility, type_name, id_)
        else:
            version = await store.read_as_of(self.connection, self.visibility, type_name, id_, as_of)
        return self._found(version, type_name, id_)

    async def vread(self, type_name: str, id_: str, version: str) -> Stored:
        """Return one version of a resource.

        Raises:
            NotFound: it does not exist for the caller.
            Deleted: that version is a deletion.
        """
        number = int(version) if version.isdigit() and len(version) < 10 else 0
        found = await store.vread(self.connection, self.visibility, type_name, id_, number)
        return self._found(found, type_name, f"{id_}/_history/{version}")

    async def history(self, asked: Asked, *, limit: int) -> tuple[Past, int | None]:
        """Return at most `limit` of the versions that are wanted, and how many there are in all if that was counted.

        Raises:
            NotFound: the resource whose history is wanted does not exist for the caller.
        """
        page = await history.page(self.connection, self.visibility, asked, limit=limit)
        if not page.versions and asked.type is not None and asked.id is not None:
            # It may be there, and `since` or `at` leave nothing of it.
            there = await store.read(self.connection, self.visibility, asked.type, asked.id)
            if there is None:
                raise NotFound(f"{asked.type}/{asked.id} does not exist")
        self.disclosed.extend(page.versions)
        return page, await history.total(self.connection, self.visibility, asked)

    async def received(self, type_name: str, id_: str, version: str) -> tuple[Stored, bytes, bytes]:
        """Return a version (the current one when `version` is empty), its undo script and the received bytes' digest.

        Raises:
            NotFound: it does not exist for the caller.
        """
        if not version:
            version = str((await self.read(type_name, id_)).version)
        number = int(version) if version.isdigit() and len(version) < 10 else 0
        found = await store.received(self.connection, self.visibility, type_name, id_, number)
        if found is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        self._found(found[0], type_name, id_)
        return found

    async def everything(
        self, patient_id: str, types: Sequence[str], *, limit: int, before: tuple[int, int] = NEWEST
    ) -> Part:
        """Return at most `limit` resources of the person who has a Patient with this id, the newest first.

        Args:
            patient_id: The id of one of the person's Patients.
            types: The resource types wanted.
            limit: The most resources.
            before: Where the part before this one ended.
        """
        part = await everything(
            self.connection, self.visibility, patient_keys, patient_id, types, limit=limit, before=before
        )
        self.disclosed += part.resources
        return part

    async def keys_of_person(
        self,
        patient_id: str,
        types: Sequence[str],
        span: Span,
        *,
        limit: int,
        before: tuple[int, int],
        alone: bool = False,
    ) -> list[Key]:
        """Return where resources of the person lie, the newest first; nothing is disclosed yet.

        Of the Patient's site only, when `alone`.
        """
        scope = own_keys if alone else patient_keys
        return await keys_of_person(
            self.connection, self.visibility, scope, patient_id, types, span, limit=limit, before=before
        )

    async def referred_keys(self, hashes: Sequence[int], types: Sequence[str], span: Span) -> list[Key]:
        """Return where resources of no patient lie that references of these hashes mean."""
        return await referred_keys(self.connection, self.visibility, hashes, types, span)

    async def keys_with_meta(self, types: Sequence[str]) -> list[Key]:
        """Return where one resource lies for each profile, tag and label in use."""
        return await keys_with_meta(self.connection, self.visibility, types)

    async def keys_of_type(
        self, type_name: str, *, of_patients: bool, after: tuple[int, int], window: int
    ) -> tuple[list[Key], tuple[int, int] | None]:
        """Return where resources of a type lie, among so many after a place, and the next place."""
        return await keys_of_type(
            self.connection, self.visibility, type_name, of_patients=of_patients, after=after, window=window
        )

    async def places(self, query: Query, *, after_row: int, limit: int, alone: bool = False) -> list[Key]:
        """Return where at most `limit` matches of a search lie whose rows come after one.

        A Patient that is named stands for the person, or for itself when `alone`.
        """
        scope = own_keys if alone else patient_keys
        rows = await places(self.connection, self.visibility, query, scope, after_row=after_row, limit=limit)
        return [Key(*row) for row in rows]

    async def named(self, names: Sequence[tuple[str, str]]) -> list[Stored]:
        """Return the resources of these types and ids that exist for the caller; whoever gives them out records it."""
        return await read_named(self.connection, self.visibility, names)

    async def bodies(self, keys: Sequence[Key], *, as_found: bool = False) -> list[Stored]:
        """Return the resources at `keys` that exist for the caller by now; whoever gives them out records it.

        The current versions, or, when `as_found`, those that were current when the keys were found.
        """
        return await bodies(self.connection, self.visibility, keys, as_found=as_found)


def known_type(type_name: str) -> str:
    """Return `type_name` if R4 has such a resource type.

    Raises:
        NotFound: it has not.
    """
    if type_name not in NUMBERS:
        raise NotFound(f"{type_name} is not a resource type of R4")
    return type_name
