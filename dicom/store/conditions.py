"""The conditions of a search as SQL: the form decides the text, the values are bound by name.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.2.2.2.html
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, or_

from dicom.attributes import ATTRIBUTES, BY_TAG, Level, Match
from dicom.match_values import Value
from dicom.matching import Condition, time_of
from dicom.store.tables import NAME_GROUPS

ESCAPE = "/"
_TIME_COLUMNS = {
    one.tag: BY_TAG[time].column for one in ATTRIBUTES if (time := time_of(one.tag)) is not None and time in BY_TAG
}
"""Of a date, the column of the time that goes with it."""


class Form(NamedTuple):
    """A condition without its values: what decides the SQL."""

    tag: int
    form: str
    binds: int


def forms(conditions: tuple[Condition, ...]) -> tuple[Form, ...]:
    """Return the forms of conditions; lists of about the same length share one."""
    return tuple(Form(one.attribute.tag, one.form, len(_padded(one))) for one in conditions)


def values(conditions: tuple[Condition, ...]) -> dict[str, Value]:
    """Return the values of the binds that `sql` names."""
    return {_bind(one.attribute.tag, number): value for one in conditions for number, value in enumerate(_padded(one))}


def sql(form: Form, tables: Mapping[Level, FromClause]) -> ColumnElement[bool]:
    """Return the condition on the table of its attribute's level."""
    attribute = BY_TAG[form.tag]
    table = tables[attribute.level]
    binds = binds_of(form)
    if attribute.match is Match.NAME and form.form == "empty":
        return and_(*(table.c[f"{attribute.column}_{group}"] == "" for group in NAME_GROUPS))
    if form.form == "words":
        known = table.c[f"{attribute.column}_words"]
        pairs = zip(binds[::2], binds[1::2], strict=True)
        return and_(*(or_(*(known.like(bind, escape=ESCAPE) for bind in pair)) for pair in pairs))
    if attribute.match is Match.NAME:
        columns = [table.c[f"{attribute.column}_{group}_folded"] for group in NAME_GROUPS]
        return and_(*(or_(*(column.like(bind, escape=ESCAPE) for column in columns)) for bind in binds))
    if form.form == "period":
        return _within(table.c[attribute.column], table.c[_TIME_COLUMNS[form.tag]], binds)
    if form.form == "empty" and attribute.match is Match.NUMBER:
        return table.c[attribute.column].is_(None)
    return compared(form.form, table.c[attribute.column], binds)


def _within(days: ColumnElement[Any], times: ColumnElement[Any], binds: list[Any]) -> ColumnElement[bool]:
    """Return that a date and its time lie in a period; the date's own bounds are for its index."""
    first_day, last_day, first_time, last_time = binds
    return and_(
        days >= first_day,
        days <= last_day,
        or_(days > first_day, times >= first_time),
        or_(days < last_day, times <= last_time),
    )


def compared(form: str, column: ColumnElement[Any], binds: list[Any]) -> ColumnElement[bool]:
    """Return one column's comparison with its binds."""
    if form == "empty":
        return column == ""
    if form in ("equal", "any"):
        return or_(*(column == bind for bind in binds))
    if form in ("like", "likes"):
        # ILIKE on PostgreSQL, lower() on SQLite: whose LIKE knows no case, so neither does ours.
        return or_(*(column.ilike(bind, escape=ESCAPE) for bind in binds))
    # Not BETWEEN: PostgreSQL takes no collated bind there.
    return and_(column >= binds[0], column <= binds[1])


def binds_of(form: Form) -> list[Any]:
    """Return the binds of a form, for a condition that stands elsewhere than in its own table."""
    return [bindparam(_bind(form.tag, number)) for number in range(form.binds)]


def _bind(tag: int, number: int) -> str:
    return f"q{tag:08x}_{number}"


def _padded(condition: Condition) -> tuple[Value, ...]:
    """Return the values, a list filled up to a power of two so that few statements serve all lengths."""
    if condition.form != "any":
        return condition.values
    length = 1 << (len(condition.values) - 1).bit_length()
    return condition.values + (condition.values[-1],) * (length - len(condition.values))
