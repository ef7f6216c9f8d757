"""The rows of a search: the columns of a level's facts, and a result of them."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause

from dicom.attributes import Level
from dicom.indexing import InstanceFacts, SeriesFacts, StudyFacts
from dicom.names import PersonName
from dicom.results import Found
from dicom.store.tables import NAME_GROUPS

_NAMES = ("referring_physician_name", "patient_name")
_FIELDS = {
    Level.STUDY: tuple(field.name for field in fields(StudyFacts)),
    Level.SERIES: tuple(field.name for field in fields(SeriesFacts)),
    Level.INSTANCE: tuple(field.name for field in fields(InstanceFacts)),
}


class Wanted(NamedTuple):
    """What a page holds beside the facts."""

    model: bool
    """The DICOM JSON of an instance, of a study or a series that of one in it."""
    classes: bool
    """The SOP classes of a study."""


def columns_of(level: Level, table: FromClause) -> list[ColumnElement[Any]]:
    """Return the columns of a level's facts, in the order of their fields."""
    return [
        table.c[name]
        for field in _FIELDS[level]
        for name in ([f"{field}_{group}" for group in NAME_GROUPS] if field in _NAMES else [field])
    ]


def found_of(level: Level, row: Sequence[Any], wanted: Wanted) -> Found:
    """Return a result of a row that has what is wanted, its counts, and the facts of its level and those above."""
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
