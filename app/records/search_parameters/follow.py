"""Following definitions: from SearchParameter resources and packages to the set of parameters, in the same transaction.

https://hl7.org/fhir/R4/searchparameter.html
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Integer, SmallInteger, Text, bindparam, delete, update

from app.access import epoch
from app.db import WriteConnection
from app.records.search_parameters.kept import BLOCK, VERSION, Kept, all_kept, sources, written
from app.records.search_parameters.tables import INDEXING, REMOVING, search_parameter, search_parameter_source
from fhir.errors import FhirError, Forbidden, Unprocessable
from fhir.issue import Issue
from fhir.resource import parse
from fhir.search.definition import compiled, same
from fhir.spec.search_parameters import FIRST_OWN, SearchParameter, parameters
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

if TYPE_CHECKING:
    from app.records.request import Request

_LOCK = 0x7370_6C6B
"""The lock under which the set changes."""

_NUMBERED = "search parameter numbers"
"""The counter of numbers given; none is given twice."""

_NUMBER = bindparam("k_number", type_=Integer)
_RETIRE = (
    update(search_parameter)
    .where(search_parameter.c.number == _NUMBER)
    .values(state=bindparam("n_state", type_=SmallInteger), until=bindparam("n_until", type_=BigInteger))
)
_REDEFINE = (
    update(search_parameter)
    .where(search_parameter.c.number == _NUMBER)
    .values(definition=bindparam("n_definition", type_=Text))
)
_UNWANTED = delete(search_parameter_source).where(
    search_parameter_source.c.number == _NUMBER, search_parameter_source.c.source == bindparam("k_source", type_=Text)
)


def source_of(id_: str) -> str:
    """Return the source that a SearchParameter resource is."""
    return f"SearchParameter/{id_}"


async def follow_written(request: "Request", connection: WriteConnection, stored: Sequence[Stored]) -> None:
    """Let the set of parameters follow the SearchParameters that a transaction writes.

    Raises:
        Forbidden: there are some, and the caller is not of the secretariat of a hub that is more than one site's.
        Unprocessable: an active one is not understood, or something else has its name.
    """
    last = {one.id: one for one in stored if one.type == "SearchParameter"}
    if not last:
        return
    if request.caller.role != "secretariat" and not request.hub.settings.single_owner:
        raise Forbidden("Only the secretariat writes search parameters: they hold for every site")
    following = Following(connection, request.hub.settings.own_search_parameters)
    await following.begin()
    for id_, one in last.items():
        definition = {} if one.deleted else parse(bytes(one.body))
        wanted = compiled(definition) if definition.get("status") == "active" else ()
        await following.want(source_of(id_), wanted)
    await following.end()


class Following:
    """One change of the set.

    Args:
        connection: Inside a write transaction.
        most: How many parameters of its own a hub has, each resource type counted.

    Attributes:
        changed: Whether anything has changed.
    """

    def __init__(self, connection: WriteConnection, most: int) -> None:
        self.changed = False
        self._connection = connection
        self._most = most
        self._there: dict[tuple[str, str], Kept] = {}
        self._sources: dict[int, set[str]] = {}

    async def begin(self) -> None:
        """Wait for others that change the set, and read it."""
        await self._connection.lock(_LOCK)
        rows = [one for one in await all_kept(self._connection) if one.state != REMOVING]
        self._there = {(one.parameter.base, one.code): one for one in rows}
        self._sources = await sources(self._connection)

    async def want(
        self, source: str, wanted: Sequence[SearchParameter], refused: list[FhirError] | None = None
    ) -> None:
        """Let a source want these parameters, and none that it wanted before.

        Args:
            source: A resource or a package.
            wanted: What it means.
            refused: Gathers why some cannot be had; without it the first raises.

        Raises:
            Unprocessable: one cannot be had.
        """
        kept: set[int] = set()
        for one in wanted:
            try:
                kept |= await self._had(source, one, kept)
            except Unprocessable as error:
                if refused is None:
                    raise
                refused.append(error)
        for number in [number for number, by in self._sources.items() if source in by and number not in kept]:
            await self._leave(number, source)

    async def _had(self, source: str, wanted: SearchParameter, kept: set[int]) -> set[int]:
        """Return the number of a parameter that is there by now; none if R4 has it."""
        of_r4 = parameters(wanted.base).get(wanted.code)
        if of_r4 is not None:
            if not same(of_r4, wanted):
                raise _conflict(wanted, "R4 has a search parameter")
            return set()
        current = self._there.get((wanted.base, wanted.code))
        if current is None:
            return {await self._add(source, wanted)}
        others = self._sources.get(current.number, set()) - {source}
        if same(current.parameter, wanted):
            if not others and written(wanted) != current.definition:
                self.changed = True
                values = {"k_number": current.number, "n_definition": written(wanted)}
                await self._connection.execute(_REDEFINE, values)
            elif source not in self._sources[current.number]:
                await self._connection.insert(search_parameter_source, [(current.number, source)])
                self._sources[current.number].add(source)
            return {current.number}
        if others or current.number in kept:
            raise _conflict(wanted, f"{current.parameter.url} is a search parameter")
        await self._leave(current.number, source)
        return {await self._add(source, wanted)}

    async def _add(self, source: str, wanted: SearchParameter) -> int:
        if len(self._there) >= self._most:
            text = f"A hub has at most {self._most} search parameters of its own, each resource type counted"
            raise Unprocessable(text, issues=[Issue("error", "too-costly", "SearchParameter", text)])
        self.changed = True
        number = FIRST_OWN + BLOCK * await epoch.grow(self._connection, _NUMBERED)
        row = Kept(number, NUMBERS[wanted.base], wanted.code, INDEXING, written(wanted), 0, 0, 0, 0, 0)
        await self._connection.insert(search_parameter, [tuple(row)])
        await self._connection.insert(search_parameter_source, [(number, source)])
        self._there[wanted.base, wanted.code] = row
        self._sources[number] = {source}
        return number

    async def _leave(self, number: int, source: str) -> None:
        """Let a source want a parameter no more; what nothing wants is removed."""
        await self._connection.execute(_UNWANTED, {"k_number": number, "k_source": source})
        self._sources[number].discard(source)
        if self._sources[number]:
            return
        self.changed = True
        await self._connection.execute(_RETIRE, {"k_number": number, "n_state": REMOVING, "n_until": 0})
        self._there = {place: one for place, one in self._there.items() if one.number != number}

    async def end(self) -> None:
        """Let every process notice."""
        if self.changed:
            await changed(self._connection)


async def changed(connection: WriteConnection) -> None:
    """Let every process learn the set anew: with its next request, and before it writes."""
    await epoch.grow(connection, VERSION)
    await epoch.grow(connection)


def _conflict(wanted: SearchParameter, has: str) -> Unprocessable:
    text = f"{has} of {wanted.base} named {wanted.code} that reads something else"
    return Unprocessable(text, issues=[Issue("error", "duplicate", "SearchParameter.code", text)])


def of_package(name: str, version: str) -> str:
    """Return the source that a package is."""
    return f"package/{name}#{version}"
