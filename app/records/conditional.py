"""Conditions of a write: which resource a query means, within the caller's own custody.

https://hl7.org/fhir/R4/http.html#ccreate, https://hl7.org/fhir/R4/http.html#cond-update
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, and_, bindparam

from app.db import WriteConnection
from app.identity.scope import patient_keys
from app.records.query import read_query
from app.records.request import Request, decode_pairs
from app.records.scoped import check_condition
from fhir.errors import InvalidValue, MultipleMatches
from fhir.search.hashing import hash64
from fhir.search.query import Query
from fhir.search.run import search
from fhir.store.connection import Visibility
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Custody:
    """What is visible and in one site's custody: another site's records satisfy no condition of a write."""

    visible: Visibility
    custodian: int

    @property
    def shape(self) -> Hashable:
        """What distinguishes its conditions."""
        return "custody", self.visible.shape

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of its binds."""
        return {**self.visible.values, "w_custodian": self.custodian}

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition that a row of `resource` is in the custody, and exists for the caller."""
        own = alias.c.custodian == bindparam("w_custodian", type_=Integer)
        return and_(own, self.visible.condition(alias))


def condition(request: Request, type_name: str, text: str, expression: str) -> Query:
    """Return the query of a conditional write.

    Args:
        request: On whose behalf.
        type_name: The resource type that is searched.
        text: The query, urlencoded as in an address, with or without its question mark.
        expression: What an error is about: the header, or the element of a Bundle.

    Raises:
        FhirError: it is no search of the type, or names nothing that a resource must fulfil.
    """
    check_condition(request, type_name)
    pairs = decode_pairs(text.removeprefix("?").encode("latin-1", "replace"))
    query = read_query(request.hub, type_name, pairs)
    if not query.criteria:
        raise InvalidValue("A condition names what the resource must fulfil", expression)
    return query


async def lock(connection: WriteConnection, request: Request, types: Iterable[str]) -> None:
    """Let the conditional writes of a custodian to the same types wait for each other: so no two make the same."""
    for key in sorted(hash64(f"conditional/{request.authority.custodian}/{name}") for name in set(types)):
        await connection.lock(key)


def own(request: Request) -> Custody:
    """Return what satisfies the condition of a write: what the caller sees of its own custody."""
    return Custody(request.visibility, request.authority.custodian)


async def matches(
    connection: WriteConnection, visibility: Visibility, query: Query, *, most: int = 2
) -> Sequence[Stored]:
    """Return at most `most` resources that fulfil a condition; `lock` comes before."""
    return (await search(connection, visibility, query, patient_keys, limit=most)).matches


async def match(connection: WriteConnection, visibility: Visibility, query: Query, expression: str) -> Stored | None:
    """Return the resource that a condition means; None when nothing fulfils it.

    Raises:
        MultipleMatches: several do.
    """
    found = await matches(connection, visibility, query)
    if len(found) > 1:
        raise MultipleMatches(f"Several {query.type} resources fulfil the condition", expression)
    return found[0] if found else None
