"""QIDO-RS: studies, series and instances that match, in the world their searcher may see.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)

from dicom.attributes import BY_KEYWORD, DEPTH, Level
from dicom.indexing import InstanceFacts, SeriesFacts, StudyFacts
from dicom.matching import Query
from dicom.names import PersonName
from dicom.results import Found
from dicom.store.conditions import Form, binds_of, compared, forms, sql, values
from dicom.store.connection import Connection, Visibility
from dicom.store.statements import statement
from dicom.store.tables import NAME_GROUPS, dicom_instance, dicom_series, dicom_study
from dicom.store.unindexed import met, scanned

_MODALITIES_IN_STUDY = BY_KEYWORD["ModalitiesInStudy"].tag
_NAMES = ("referring_physician_name", "patient_name")
_COMMA: Any = literal_column("','")
"""Stands in no code string; written out, so that it is no bind of the statement."""
SOP_CLASSES_IN_STUDY = 0x00080062
_NONE: Any = literal_column("0")
_ONE: Any = literal_column("1")
"""Written out, for the same reason."""
_TABLES = {Level.STUDY: dicom_study, Level.SERIES: dicom_series, Level.INSTANCE: dicom_instance}
_FIELDS = {
    Level.STUDY: tuple(field.name for field in fields(StudyFacts)),
    Level.SERIES: tuple(field.name for field in fields(SeriesFacts)),
    Level.INSTANCE: tuple(field.name for field in fields(InstanceFacts)),
}


class _Wanted(NamedTuple):
    """What a page holds beside the facts."""

    model: bool
    """The DICOM JSON of an instance, of a study or a series that of one in it."""
    classes: bool
    """The SOP classes of a study."""


_NOTHING = _Wanted(model=False, classes=False)


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
        return await scanned(connection, visibility, query, search)
    shape = forms(query.conditions)
    classes = query.level is Level.STUDY and (query.include_all or SOP_CLASSES_IN_STUDY in query.include)
    wanted = _Wanted(query.needs_model, classes)
    key = ("search", query.level, shape, visibility.shape, wanted)
    page = statement(key, lambda: _page(query.level, shape, visibility, wanted))
    binds = {**visibility.values, **values(query.conditions), "limit": query.limit, "offset": query.offset}
    return [_found(query.level, row, wanted) for row in await connection.fetch(page, binds)]


async def count(connection: Connection, visibility: Visibility, query: Query, *, most: int = 2**31) -> int:
    """Return how many results all pages of a search hold together, counting no further than `most`."""
    if query.unindexed:
        return len(await met(connection, visibility, query, search))
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


def _aliases() -> dict[Level, FromClause]:
    return {level: table.alias(level.value) for level, table in _TABLES.items()}


def _levels(level: Level) -> list[Level]:
    """Return the level and those above it, from the study down."""
    return [one for one in Level if DEPTH[one] <= DEPTH[level]]


def _page(level: Level, shape: tuple[Form, ...], visibility: Visibility, wanted: _Wanted = _NOTHING) -> Select[Any]:
    tables = _aliases()
    own = tables[level]
    columns = [column for one in _levels(level) for column in _columns(one, tables[one])]
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
        conditions.append(exists(_inside(level, tables[level], visibility, "inside").with_only_columns(1)))
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


def _visible_series(study: FromClause, visibility: Visibility, name: str) -> tuple[FromClause, ColumnElement[bool]]:
    """Return an alias for the visible series of a study that hold something visible, and their condition."""
    series = dicom_series.alias(f"{name}_series")
    return series, and_(
        series.c.patient_key == study.c.patient_key,
        series.c.study == study.c.id,
        visibility.condition(series),
        exists(_inside(Level.SERIES, series, visibility, name).with_only_columns(1)),
    )


def _has_modality(form: Form, study: FromClause, visibility: Visibility) -> ColumnElement[bool]:
    series, condition = _visible_series(study, visibility, "modality")
    return exists(select(1).where(condition, compared(form.form, series.c.modality, binds_of(form))))


def _more(
    level: Level, visibility: Visibility, tables: dict[Level, FromClause], wanted: _Wanted
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


def _columns(level: Level, table: FromClause) -> list[ColumnElement[Any]]:
    """Return the columns of a level's facts, in the order of their fields."""
    return [
        table.c[name]
        for field in _FIELDS[level]
        for name in ([f"{field}_{group}" for group in NAME_GROUPS] if field in _NAMES else [field])
    ]


def _found(level: Level, row: Sequence[Any], wanted: _Wanted) -> Found:
    patient_key, row_id, custodian, *rest = row
    model = rest.pop(0) if wanted.model else None
    classes = rest.pop(0) if wanted.classes else ""
    modalities, number_of_series, number_of_instances = "", 0, 0
    if level is Level.STUDY:
        modalities, number_of_series, number_of_instances, *rest = rest
    elif level is Level.SERIES:
        number_of_instances, *rest = rest
    cells = iter(rest)
    study = StudyFacts(*(_cell(field, cells) for field in _FIELDS[Level.STUDY]))
    series = None if level is Level.STUDY else SeriesFacts(*islice(cells, len(_FIELDS[Level.SERIES])))
    instance = InstanceFacts(*cells) if level is Level.INSTANCE else None
    distinct = tuple(sorted({one for one in (modalities or "").split(",") if one}))
    return Found(
        patient_key,
        row_id,
        custodian,
        study,
        series,
        instance,
        distinct,
        number_of_series,
        number_of_instances,
        None if model is None else bytes(model),
        tuple(sorted(set((classes or "").split(",")) - {""})),
    )


def _cell(field: str, cells: Iterator[Any]) -> Any:
    return PersonName(next(cells), next(cells), next(cells)) if field in _NAMES else next(cells)
