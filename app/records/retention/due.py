"""What the rules say is over: looked through patient by patient, and nothing is changed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Integer, Select, bindparam, select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.records.retention.rules import Rule, rule_of
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS, LAST_BODY, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import NO_DATE, resource, resource_version
from fhir.store.types import NUMBERS

PATIENTS = 200
"""Patients that are looked up at once."""

ROWS = 500
"""Resources of a patient that are read at once."""

KEPT_LONG = "LTS"
"""長期保存: a doctor's mark by which a resource stays. The tag of JP-CLINS."""


class Due(NamedTuple):
    """A resource whose time of keeping is over."""

    rule: Rule
    type: str
    id: str
    patient_key: int
    custodian: int
    at: int
    """When its time began: its date, or when it was last written, whichever is later."""
    deleted: bool
    """Whether its site has deleted it already; its versions are still kept."""


class _Seen(NamedTuple):
    due: Due
    code: str
    marked: bool


@by_shape
def _patients(visibility: Visibility) -> Select[tuple[object, ...]]:
    return (
        select(resource.c.patient_key, resource.c.id)
        .where(
            resource.c.patient_key > bindparam("after", type_=BigInteger),
            resource.c.row == resource.c.patient_key,
            resource.c.type == NUMBERS["Patient"],
            visibility.condition(resource),
        )
        .order_by(resource.c.patient_key)
        .limit(bindparam("limit", type_=Integer))
    )


@by_shape
def _record(visibility: Visibility) -> Select[tuple[object, ...]]:
    return (
        select(*COLUMNS, resource.c.category, resource.c.clinical_date, resource.c.deleted)
        .select_from(in_order(resource, resource_version, LAST_BODY))
        .where(
            resource.c.patient_key == bindparam("key", type_=BigInteger),
            resource.c.row > bindparam("after", type_=BigInteger),
            visibility.condition(resource),
        )
        .order_by(resource.c.row)
        .limit(bindparam("limit", type_=Integer))
    )


def _codings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _code(body: Mapping[str, Any]) -> str:
    """Return by what the last ones of a patient are told apart."""
    code = body.get("code")
    if not isinstance(code, dict):
        return ""
    codings = _codings(code.get("coding"))
    return f"{codings[0].get('system')}|{codings[0].get('code')}" if codings else str(code.get("text", ""))


def _is_marked(body: Mapping[str, Any]) -> bool:
    meta = body.get("meta", {})
    return any(one.get("code") == KEPT_LONG for name in ("tag", "security") for one in _codings(meta.get(name)))


def _seen(rules: dict[str, Rule], row: Sequence[Any]) -> _Seen | None:
    """Return a resource that a rule is about."""
    one: Stored = stored(row)
    category, clinical, deleted = row[-3:]
    rule = rule_of(rules, one.type, Category(category))
    if rule is None or not one.body:
        return None
    body = orjson.loads(bytes(one.body))
    at = max(int(one.last_updated), int(clinical) if clinical != NO_DATE else 0)
    due = Due(rule, one.type, one.id, one.patient_key, one.custodian, at, bool(deleted))
    return _Seen(due, _code(body), _is_marked(body))


async def _of_patient(connection: DatabaseConnection, rules: dict[str, Rule], key: int) -> list[_Seen]:
    found, after = [], -(2**63)
    while True:
        values = {"key": key, "after": after, "limit": ROWS} | dict(EVERYTHING_VISIBLE.values)
        rows = await connection.fetch(_record(EVERYTHING_VISIBLE), values)
        found += [one for row in rows if (one := _seen(rules, row)) is not None]
        if len(rows) < ROWS:
            return found
        after = int(rows[-1][3])


def over(seen: Sequence[_Seen], now: int) -> list[Due]:
    """Return those whose time is over: not marked, old enough, and not among the last of their code."""
    kept: dict[tuple[str, str], int] = {}
    found = []
    for one in sorted(seen, key=lambda one: -one.due.at):
        due, place = one.due, (one.due.type, one.code)
        if not due.deleted:
            kept[place] = kept.get(place, 0) + 1
        if one.marked or due.at >= due.rule.ends(now):
            continue
        if due.deleted or kept[place] > due.rule.last:
            found.append(due)
    return found


async def due(
    connection: DatabaseConnection, rules: dict[str, Rule], *, now: int, held: AbstractSet[str] = frozenset()
) -> AsyncIterator[list[Due]]:
    """Yield what is over, a patient at a time.

    Args:
        connection: Where to read.
        rules: What `rules` returned.
        now: The present in microseconds since 1970 UTC.
        held: The ids of Patients of whom nothing goes: their requests wait for an answer.
    """
    after = 0
    while True:
        values = {"after": after, "limit": PATIENTS} | dict(EVERYTHING_VISIBLE.values)
        patients = await connection.fetch(_patients(EVERYTHING_VISIBLE), values)
        for key, id_ in patients:
            found = [] if id_ in held else over(await _of_patient(connection, rules, int(key)), now)
            if found:
                yield found
        if len(patients) < PATIENTS:
            return
        after = int(patients[-1][0])
