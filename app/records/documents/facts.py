"""What documents say of a patient, as resources: each fact is one, however many documents state it.

It says what the newest of them says. It goes when none is left that holds; but what its site has written itself, before
or afterwards, is the site's: documents point at it, and neither change nor withdraw it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, select

from app.records.documents import kept
from app.records.documents.kept import Fact
from app.records.documents.statement import Statement, Statements
from app.records.labelled import widen
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.identity import identifiers, named
from fhir.search.hashing import hash64
from fhir.search.numbers import NUMBERS, in_numbers
from fhir.search.values import Numbers
from fhir.spec.search_parameters import parameters
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_TOKEN, index_token, resource

_BY_IDENTIFIER = (
    select(resource.c.row)
    .select_from(index_token)
    .join(resource, CURRENT_TOKEN)
    .where(
        in_numbers(index_token.c.parameter, bindparam("parameters", type_=NUMBERS)),
        in_numbers(index_token.c.code_hash, bindparam("codes", type_=NUMBERS)),
        index_token.c.patient_key == bindparam("key", type_=BigInteger),
        resource.c.deleted == 0,
    )
)


@dataclass(slots=True)
class Place:
    """Where an entry is kept."""

    fact: int
    """The hash of what it is known by."""
    row: int
    id: str
    current: Stored | None = None
    """The resource that is there; None for one to be made."""
    version: int = 0
    """The version of it that documents made."""

    @property
    def is_theirs(self) -> bool:
        """Whether documents made what is there, and nobody has changed it since."""
        return self.current is not None and self.current.version == self.version


@dataclass(frozen=True, slots=True)
class Labels:
    """The security labels of a document."""

    bits: int
    codings: tuple[Mapping[str, Any], ...] = ()


def _numbers(body: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {(str(body["resourceType"]), *one) for one in identifiers(body)}


@dataclass(slots=True)
class Facts:
    """The facts of one patient, as one transaction sees and changes them."""

    writing: Writing
    patient_key: int
    labels: Labels = field(default_factory=lambda: Labels(0))
    _noted: list[Fact] = field(default_factory=list)

    async def places(self, stated: Sequence[tuple[int, Mapping[str, Any]]], *, is_new: bool) -> list[Place]:
        """Return where each of some resources is kept.

        Args:
            stated: The hash of what each is known by, and the resource as it was sent.
            is_new: Whether the patient is new, so that nothing can be there.
        """
        connection = self.writing.connection
        known: dict[int, Fact] = {}
        if not is_new:
            known = await kept.facts_by_hash(connection, self.patient_key, [hash_ for hash_, _ in stated])
        found = await kept.resources(connection, self.patient_key, {one.row for one in known.values()})
        missing = [one for one in stated if one[0] not in known or known[one[0]].row not in found]
        direct = {} if is_new else await self._direct(missing)
        places = []
        for hash_, _ in stated:
            fact = known.get(hash_)
            if fact is not None and fact.row in found:
                current = found[fact.row]
                places.append(Place(hash_, fact.row, current.id, current, fact.version))
            elif hash_ in direct:
                current = direct[hash_]
                places.append(Place(hash_, current.row, current.id, current))
                self._noted.append(Fact(hash_, current.row, 0))
            else:
                places.append(Place(hash_, *new_id(self.writing.request.hub)))
        return places

    async def _direct(self, missing: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[int, Stored]:
        """Return what the site has written itself of these resources: of the same number, and named the same."""
        wanted = [(hash_, _numbers(body), named(body)) for hash_, body in missing]
        numbers = {one for _, found, _ in wanted for one in found}
        if not numbers:
            return {}
        connection = self.writing.connection
        identifying = {parameters(type_name)["identifier"].id for type_name, _, _ in numbers}
        values = {
            "key": self.patient_key,
            "parameters": Numbers(sorted(identifying)),
            "codes": Numbers(sorted({hash64(value) for _, _, value in numbers})),
        }
        rows = {row for (row,) in await connection.fetch(_BY_IDENTIFIER, values)}
        theirs = {one.row for one in await kept.facts_by_row(connection, self.patient_key, rows)}
        found = await kept.resources(connection, self.patient_key, rows - theirs)
        direct: dict[int, Stored] = {}
        for one in found.values():
            body = orjson.loads(one.body)
            for hash_, said, name in wanted:
                if hash_ not in direct and said & _numbers(body) and name == named(body):
                    direct[hash_] = one
                    break
        return direct

    async def state(self, places: Sequence[Place], statements: Sequence[Statement], order: tuple[int, int]) -> None:
        """Let a document state its facts.

        Args:
            places: Where each is kept.
            statements: What it says of each.
            order: Of the document among all: when it was made, and the row of its Bundle.
        """
        there = {one.row for one in places if one.current is not None}
        others: dict[int, tuple[int, int]] = {}
        for source in await kept.sources(self.writing.connection, self.patient_key, there):
            if source.document != order[1]:
                others[source.row] = max(others.get(source.row, (0, 0)), (source.instant, source.document))
        for place, statement in zip(places, statements, strict=True):
            if place.current is None:
                await self._create(place, statement)
            elif place.is_theirs and others.get(place.row, order) <= order:
                await self._follow(Fact(place.fact, place.row, place.version), place.current, statement)
            else:
                await self._widen(place.current)

    async def _create(self, place: Place, statement: Statement) -> None:
        made = await self.writing.create(
            statement.prepared,
            row=place.row,
            id_=place.id,
            references=statement.links,
            patient_key=self.patient_key,
            inherited_labels=self.labels.bits,
            security=self.labels.codings,
            subject=statement.subject,
        )
        self._noted.append(Fact(place.fact, place.row, made.version))

    async def _follow(self, fact: Fact, current: Stored, statement: Statement) -> None:
        made = await self.writing.follow(
            current,
            statement.prepared,
            references=statement.links,
            labels=self.labels.bits,
            security=self.labels.codings,
            subject=statement.subject,
        )
        if made is not None:
            self._noted.append(fact._replace(version=made.version))
        else:
            await self._widen(current)

    async def _widen(self, current: Stored) -> None:
        """Give a resource the labels of a document that states it too."""
        if self.labels.bits & ~current.labels:
            self.writing.labelled.append(await widen(self.writing.connection, current, self.labels.bits))

    async def release(self, rows: Collection[int]) -> None:
        """Withdraw resources that a document stated, but let those say it that another document states too."""
        connection = self.writing.connection
        facts = await kept.facts_by_row(connection, self.patient_key, rows)
        found = await kept.resources(connection, self.patient_key, {one.row for one in facts})
        newest: dict[int, kept.Source] = {}
        for source in await kept.sources(connection, self.patient_key, set(found)):
            if source.row not in newest or source[1:3] > newest[source.row][1:3]:
                newest[source.row] = source
        statements = Statements(self.writing, self.patient_key)
        for fact in facts:
            current = found.get(fact.row)
            if current is None or current.deleted or current.version != fact.version:
                continue
            if fact.row in newest:
                await self._follow(fact, current, await statements.of(newest[fact.row]))
            else:
                self._noted.append(fact._replace(version=self.writing.take_back(current).version))

    async def flush(self) -> None:
        """Keep what has become of the facts."""
        last = {one.hash: one for one in self._noted}
        if last:
            await kept.put_facts(self.writing.connection, self.patient_key, list(last.values()))
