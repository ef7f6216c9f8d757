"""`_include` and `_revinclude`: what the matches refer to, and what refers to them, one step.

https://hl7.org/fhir/R4/search.html#revinclude
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, SmallInteger, and_, bindparam, or_, select

from fhir.errors import InvalidValue, NotSupported
from fhir.resource import parse
from fhir.search.control import Include
from fhir.search.extract import extract
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import SearchParameter, parameters
from fhir.store.connection import Connection, Visibility
from fhir.store.read import COLUMNS, CURRENT_VERSION, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import index_reference, resource, resource_id, resource_version
from fhir.store.types import NUMBERS

MOST_INCLUDED = 1_000
"""Resources that a page includes at most."""

_CHUNK = 20
"""Hashes that one statement looks up; the last chunk repeats one to fill up."""


def _current(visibility: Visibility) -> Select[tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .select_from(resource)
        .join(
            resource_version,
            CURRENT_VERSION,
        )
        .where(resource.c.deleted == 0, visibility.condition(resource))
        .order_by(resource.c.row)
    )


def _binds() -> list[Any]:
    return [bindparam(f"hash{number}", type_=BigInteger()) for number in range(_CHUNK)]


@by_shape
def _by_hashes(visibility: Visibility) -> Select[tuple[Any, ...]]:
    """Return the resources with one of the hashes."""
    found = select(resource_id.c.patient_key, resource_id.c.row).where(
        or_(*(resource_id.c.hash == one for one in _binds()))
    )
    rows = found.subquery()
    return _current(visibility).join(
        rows, and_(rows.c.patient_key == resource.c.patient_key, rows.c.row == resource.c.row)
    )


@by_shape
def _referring(visibility: Visibility) -> Select[tuple[Any, ...]]:
    """Return the resources of a type that refer to one of the hashes by a parameter."""
    found = (
        select(index_reference.c.patient_key, index_reference.c.row, index_reference.c.version)
        .where(index_reference.c.parameter == bindparam("parameter", type_=Integer))
        .where(or_(*(index_reference.c.target_hash == one for one in _binds())))
        .distinct()
    )
    rows = found.subquery()
    return (
        _current(visibility)
        .join(
            rows,
            and_(
                rows.c.patient_key == resource.c.patient_key,
                rows.c.row == resource.c.row,
                rows.c.version == resource.c.version,
            ),
        )
        .where(resource.c.type == bindparam("type", type_=SmallInteger))
    )


def _parameter(include: Include) -> tuple[SearchParameter, str | None]:
    """Return the reference parameter that an include names, and the target type it is limited to."""
    if include.iterate or "*" in include.text:
        raise NotSupported(f"{include.text}: :iterate and * are not supported", "_include")
    source, _, rest = include.text.partition(":")
    code, _, target = rest.partition(":")
    if source not in NUMBERS or code not in parameters(source):
        raise InvalidValue(f"{include.text} names no search parameter", "_include")
    parameter = parameters(source)[code]
    if parameter.type != "reference":
        raise InvalidValue(f"{include.text} names no reference", "_include")
    return parameter, target or None


async def _fetch(
    connection: Connection, statement: Select[tuple[Any, ...]], hashes: Iterable[int], values: dict[str, Any]
) -> list[Stored]:
    wanted = list(dict.fromkeys(hashes))
    found: list[Stored] = []
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        chunk += [chunk[0]] * (_CHUNK - len(chunk))
        binds = {f"hash{number}": one for number, one in enumerate(chunk)}
        found += [stored(row) for row in await connection.fetch(statement, {**values, **binds})]
    return found


async def included(
    connection: Connection, visibility: Visibility, matches: Sequence[Stored], includes: Sequence[Include]
) -> list[Stored]:
    """Return what `includes` add to a page of `matches`, without the matches themselves.

    Raises:
        InvalidValue: an include names no reference parameter.
        NotSupported: it iterates or is a wildcard.
    """
    if not includes:
        return []
    present = {(one.type, one.id) for one in matches}
    found: dict[tuple[str, str], Stored] = {}
    for include in includes:
        parameter, target = _parameter(include)
        values: dict[str, Any] = dict(visibility.values)
        if include.reverse:
            hashes = [hash64(f"{one.type}/{one.id}") for one in matches]
            values |= {"parameter": parameter.id, "type": NUMBERS[parameter.base]}
            new = await _fetch(connection, _referring(visibility), hashes, values)
        else:
            sources = [one for one in matches if one.type == parameter.base]
            rows = [row for one in sources for row in extract(parse(one.body)).reference]
            hashes = [target_hash for number, target_hash in rows if number == parameter.id]
            new = await _fetch(connection, _by_hashes(visibility), hashes, values)
            new = [one for one in new if target in (None, one.type)]
        for one in new:
            if (one.type, one.id) not in present and len(found) < MOST_INCLUDED:
                found[one.type, one.id] = one
    return list(found.values())
