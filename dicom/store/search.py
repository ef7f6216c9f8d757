"""QIDO-RS: studies, series and instances that match, in the world their searcher may see.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from dicom.attributes import BY_KEYWORD, DEPTH, Level
from dicom.matching import Query
from dicom.results import Found
from dicom.store.conditions import Form, binds_of, compared, forms, sql, values
from dicom.store.connection import Connection, Visibility
from dicom.store.rows import Wanted, columns_of, found_of
from dicom.store.statements import statement
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from dicom.store.unindexed import met, named

_MODALITIES_IN_STUDY = BY_KEYWORD["ModalitiesInStudy"].tag
_COMMA: Any = literal_column("','")
"""Stands in no code string; written out, so that it is no bind of the statement."""
SOP_CLASSES_IN_STUDY = 0x00080062
_NONE: Any = literal_column("0")
_ONE: Any = literal_column("1")
"""Written out, for the same reason."""
_TABLES = {Level.STUDY: dicom_study, Level.SERIES: dicom_series, Level.INSTANCE: dicom_instance}
_NOTHING = Wanted(model=False, classes=False)


async def search(connection: Connection, visibility: Visibility, query: Query) -> list[Found]:
    """Return one page of what matches: newest studies first, series and instances by number.

    Args:
        connection: Where to look.
        visibility: Bounds every table the search touches.
        query: What `parse_query` returned.

    Raises:
        TooBroad: it asks for what is not indexed, of too many instances.
    """
    if query.unindexed:
        return (await _unindexed_page(connection, visibility, query, most=0)).found
    shape = forms(query.conditions)
    classes = query.level is Level.STUDY and (query.include_all or SOP_CLASSES_IN_STUDY in query.include)
    wanted = Wanted(query.needs_model, classes)
    key = ("search", query.level, shape, visibility.shape, wanted)
    page = statement(key, lambda: _page(query.level, shape, visibility, wanted))
    binds = {**visibility.values, **values(query.conditions), "limit": query.limit, "offset": query.offset}
    return [found_of(query.level, row, wanted) for row in await connection.fetch(page, binds)]


async def count(connection: Connection, visibility: Visibility, query: Query, *, most: int = 2**31) -> int:
    """Return how many results all pages of a search hold together, counting no further than `most`."""
    if query.unindexed:
        return len(await met(connection, visibility, query, _listed, most=most))
    shape = forms(query.conditions)

    def build() -> Select[Any]:
        tables = _aliases()
        matches: Select[Any] = select(_ONE).select_from(_joined(query.level, tables))
        matches = matches.where(*_conditions(query.level, shape, visibility, tables))
        # SQLite would be given an offset of its own otherwise, as one value more.
        counted = matches.limit(bindparam("most", type_=BigInteger)).offset(_NONE).subquery("counted")
        return select(func.count()).select_from(counted)

    total = statement(("count", query.level, shape, visibility.shape), build)
    rows = await connection.fetch(total, {**visibility.values, **values(query.conditions), "most": most})
    return int(rows[0][0])


class Page(NamedTuple):
    """One page of what matches."""

    found: list[Found]
    more: bool
    """Whether another page follows."""
    total: int
    """How many results all pages hold, as far as they were counted."""


async def search_page(connection: Connection, visibility: Visibility, query: Query, *, most: int) -> Page:
    """Return one page of what matches, and how many results all pages hold, counting no further than `most`.

    Headers are read once for both; what is counted anyway may be more than `most`.

    Raises:
        TooBroad: it asks for what is not indexed, of too many instances.
    """
    if query.unindexed:
        return await _unindexed_page(connection, visibility, query, most=most)
    # One more than is answered tells whether there are more.
    found = await search(connection, visibility, replace(query, limit=query.limit + 1))
    if len(found) <= query.limit and (found or not query.offset):
        return Page(found, more=False, total=query.offset + len(found))
    total = await count(connection, visibility, query, most=most)
    return Page(found[: query.limit], len(found) > query.limit, total)


async def _unindexed_page(connection: Connection, visibility: Visibility, query: Query, *, most: int) -> Page:
    wanted = query.offset + query.limit
    keys = await met(connection, visibility, query, _listed, most=max(wanted + 1, most))
    found = await named(connection, visibility, query, keys[query.offset : wanted], search)
    return Page(found, len(keys) > wanted, len(keys))


async def _listed(connection: Connection, visibility: Visibility, query: Query) -> Sequence[Sequence[Any]]:
    """Return what names the instances of a search, and how long their DICOM JSON is, in the order of results."""
    shape = forms(query.conditions)

    def build() -> Select[Any]:
        tables = _aliases()
        own = tables[Level.INSTANCE]
        columns = (own.c.patient_key, own.c.id, own.c.custodian, func.length(own.c.model))
        uids = (own.c.study_instance_uid, own.c.series_instance_uid, own.c.sop_instance_uid)
        return (
            select(*columns, *uids)
            .select_from(_joined(Level.INSTANCE, tables))
            .where(*_conditions(Level.INSTANCE, shape, visibility, tables))
            .order_by(*_order(Level.INSTANCE, tables))
            .limit(bindparam("limit", type_=BigInteger))
            .offset(_NONE)
        )

    binds = {**visibility.values, **values(query.conditions), "limit": query.limit}
    return await connection.fetch(statement(("listed", shape, visibility.shape), build), binds)


def _aliases() -> dict[Level, FromClause]:
    return {level: table.alias(level.value) for level, table in _TABLES.items()}


def _levels(level: Level) -> list[Level]:
    """Return the level and those above it, from the study down."""
    return [one for one in Level if DEPTH[one] <= DEPTH[level]]


def _page(level: Level, shape: tuple[Form, ...], visibility: Visibility, wanted: Wanted = _NOTHING) -> Select[Any]:
    tables = _aliases()
    own = tables[level]
    columns = [column for one in _levels(level) for column in columns_of(one, tables[one])]
    return (
        select(
            own.c.patient_key,
            own.c.id,
            own.c.custodian,
            *_more(level, visibility, tables, wanted),
            *_counts(level, visibility, tables),
            *columns,
        )
        .select_from(_joined(level, tables))
        .where(*_conditions(level, shape, visibility, tables))
        .order_by(*_order(level, tables))
        .limit(bindparam("limit", type_=BigInteger))
        .offset(bindparam("offset", type_=BigInteger))
    )


def _joined(level: Level, tables: dict[Level, FromClause]) -> FromClause:
    study, series, instance = tables[Level.STUDY], tables[Level.SERIES], tables[Level.INSTANCE]
    joined: FromClause = study
    if level is not Level.STUDY:
        joined = joined.join(series, and_(series.c.patient_key == study.c.patient_key, series.c.study == study.c.id))
    if level is Level.INSTANCE:
        joined = joined.join(
            instance, and_(instance.c.patient_key == series.c.patient_key, instance.c.series == series.c.id)
        )
    return joined


def _conditions(
    level: Level, shape: tuple[Form, ...], visibility: Visibility, tables: dict[Level, FromClause]
) -> list[ColumnElement[bool]]:
    conditions = [visibility.condition(tables[one]) for one in _levels(level)]
    if level is not Level.INSTANCE:
        # A study or a series is there for those who may see something in it.
        conditions.append(_holds(level, tables[level], visibility, "inside"))
    for form in shape:
        if form.tag == _MODALITIES_IN_STUDY:
            conditions.append(_has_modality(form, tables[Level.STUDY], visibility))
        else:
            conditions.append(sql(form, tables))
    return conditions


def _inside(level: Level, outer: FromClause, visibility: Visibility, name: str) -> Select[Any]:
    """Select the visible instances of `outer`, a study or a series, each in a visible series."""
    instance = dicom_instance.alias(f"{name}_instance")
    inside = select(instance.c.id).where(
        instance.c.patient_key == outer.c.patient_key,
        instance.c[level.value] == outer.c.id,
        visibility.condition(instance),
    )
    if level is Level.SERIES:
        return inside
    series = dicom_series.alias(f"{name}_series")
    return inside.where(
        series.c.patient_key == instance.c.patient_key,
        series.c.id == instance.c.series,
        visibility.condition(series),
    )


def _holds(level: Level, outer: FromClause, visibility: Visibility, name: str) -> ColumnElement[bool]:
    """Return whether something visible is in `outer`, a study or a series."""
    return _one_of(_inside(level, outer, visibility, name))


def _one_of(rows: Select[Any]) -> ColumnElement[bool]:
    """Return whether there is one, asked for each row at hand.

    OFFSET 0 keeps PostgreSQL from reading all instances first, for a page of a few studies.
    """
    return rows.with_only_columns(_ONE).limit(_ONE).offset(_NONE).exists()


def _visible_series(study: FromClause, visibility: Visibility, name: str) -> tuple[FromClause, ColumnElement[bool]]:
    """Return an alias for the visible series of a study that hold something visible, and their condition."""
    series = dicom_series.alias(f"{name}_series")
    return series, and_(
        series.c.patient_key == study.c.patient_key,
        series.c.study == study.c.id,
        visibility.condition(series),
        _holds(Level.SERIES, series, visibility, name),
    )


def _has_modality(form: Form, study: FromClause, visibility: Visibility) -> ColumnElement[bool]:
    series, condition = _visible_series(study, visibility, "modality")
    compares = compared(form.form, series.c.modality, binds_of(form))
    return _one_of(select(series.c.id).where(condition, compares))


def _more(
    level: Level, visibility: Visibility, tables: dict[Level, FromClause], wanted: Wanted
) -> list[ColumnElement[Any]]:
    """Return a model and the SOP classes, when they are wanted."""
    more: list[ColumnElement[Any]] = []
    own = tables[level]
    if wanted.model and level is Level.INSTANCE:
        more.append(own.c.model.label("model"))
    elif wanted.model:
        inside = _inside(level, own, visibility, "told")
        model = inside.selected_columns.id.table.c.model
        more.append(
            inside.with_only_columns(model)
            .order_by(inside.selected_columns.id)
            .limit(_ONE)
            .offset(_NONE)
            .scalar_subquery()
        )
    if wanted.classes:
        inside = _inside(level, own, visibility, "classed")
        uid = inside.selected_columns.id.table.c.sop_class_uid
        more.append(inside.with_only_columns(func.aggregate_strings(uid, _COMMA)).scalar_subquery())
    return more


def _counts(level: Level, visibility: Visibility, tables: dict[Level, FromClause]) -> list[ColumnElement[Any]]:
    """Return modalities, number of series and number of instances, as far as the level has them."""
    if level is Level.INSTANCE:
        return []
    own = tables[level]
    instances = _inside(level, own, visibility, "counted").with_only_columns(func.count()).scalar_subquery()
    if level is Level.SERIES:
        return [instances]
    series, condition = _visible_series(own, visibility, "listed")
    modalities = select(func.aggregate_strings(series.c.modality, _COMMA)).where(condition).scalar_subquery()
    number = select(func.count()).select_from(series).where(condition).scalar_subquery()
    return [modalities, number, instances]


def _order(level: Level, tables: dict[Level, FromClause]) -> list[ColumnElement[Any]]:
    study, series, instance = tables[Level.STUDY], tables[Level.SERIES], tables[Level.INSTANCE]
    order = [
        study.c.study_date.desc(),
        study.c.study_time.desc(),
        study.c.study_instance_uid,
        study.c.custodian,
    ]
    if level is not Level.STUDY:
        # Without number last, on both databases.
        order += [series.c.series_number.is_(None), series.c.series_number, series.c.series_instance_uid]
    if level is Level.INSTANCE:
        order += [
            instance.c.instance_number.is_(None),
            instance.c.instance_number,
            instance.c.sop_instance_uid,
        ]
    return [*order, tables[level].c.id]
