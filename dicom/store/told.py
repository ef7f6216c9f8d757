"""What a study and a series are said to be: each instance says it, and they do not agree.

An image's word goes before that of what tells of images (key objects, presentation states, reports, documents), and
before that of a manifest about an image that nobody has seen; among equals the first stays, and what it left empty is
filled in. So the rows do not depend on what came first. Parts that belong together (date, time, zone) come from one.
https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.2.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, Integer, Table, Update, bindparam, case, literal_column, select, update

from dicom.indexing import Facts, SeriesFacts, StudyFacts
from dicom.names import PersonName, folded, words
from dicom.sop_classes import is_seen
from dicom.store.connection import Connection
from dicom.store.tables import NAME_GROUPS, dicom_instance, dicom_series, dicom_study

Units = tuple[tuple[str, ...], ...]

STUDY: Units = (
    ("study_date", "study_time", "timezone_offset_from_utc"),
    ("accession_number",),
    ("referring_physician_name",),
    ("study_description",),
    ("patient_name",),
    ("issuer_of_patient_id",),
    ("patient_birth_date",),
    ("patient_sex",),
    ("study_id",),
)
"""What is taken from one instance together; it says nothing of a unit whose first part is empty.

Whose the study is, its Patient ID, was decided when it was filed.
"""

SERIES: Units = (
    ("modality",),
    ("series_date", "series_time"),
    ("performed_procedure_step_start_date", "performed_procedure_step_start_time"),
    ("series_description",),
    ("body_part_examined",),
    ("laterality",),
    ("series_number",),
)

_BITS, _RANKS = 3, 7
"""The column `told` has so many bits for each unit: 0 nobody has said it; 1, or 2 with its second part: it was said
by what is no image; 3, or 4: by an image."""

_OF_IMAGE = 2

_DATE = 0
"""Which unit of a study decides its clinical date."""

_ONE: Any = literal_column("1")

STUDY_ROW = select(
    *(dicom_study.c[name] for name in ("patient_key", "id", "labels", "patient_id", "told", "clinical_date"))
).where(dicom_study.c.study_instance_uid == bindparam("uid"), dicom_study.c.custodian == bindparam("custodian"))
SERIES_ROW = select(*(dicom_series.c[name] for name in ("patient_key", "id", "study", "labels", "told"))).where(
    dicom_series.c.series_instance_uid == bindparam("uid"), dicom_series.c.custodian == bindparam("custodian")
)


@dataclass(frozen=True, slots=True)
class Word:
    """What an instance says of its study and series, and what that counts for."""

    facts: Facts
    clinical_date: int
    """Of the study as it says; microseconds since 1970 UTC."""
    of_image: bool


def is_image(sop_class_uid: str, rows: int | None, source: int | None, described: int | None) -> bool:
    """Return whether an instance with these columns is an image, whose own header was read."""
    return is_seen(sop_class_uid, rows) and (source is None or described is not None)


def ranked(units: Units, about: StudyFacts | SeriesFacts, told: int, *, of_image: bool) -> tuple[int, tuple[int, ...]]:
    """Return what has been told when an instance has been heard as well, and which units it says better.

    Args:
        units: `STUDY` or `SERIES`.
        about: What it says.
        told: What has been told so far; 0 for nothing.
        of_image: Whether it is an image.
    """
    better = []
    for number, unit in enumerate(units):
        if not _is_stated(getattr(about, unit[0])):
            continue
        rank = 1 + of_image * _OF_IMAGE + (len(unit) > 1 and _is_stated(getattr(about, unit[1])))
        shift = number * _BITS
        if rank > told >> shift & _RANKS:
            told = told & ~(_RANKS << shift) | rank << shift
            better.append(number)
    return told, tuple(better)


def _is_stated(value: Any) -> bool:
    return value not in ("", None, PersonName())


def columns_of(units: Units, about: StudyFacts | SeriesFacts) -> dict[str, Any]:
    """Return the columns of what is told of a study or a series."""
    return {
        column: value
        for unit in units
        for name in unit
        for column, value in _columns_of(name, getattr(about, name)).items()
    }


def _columns_of(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, PersonName):
        return {name: value}
    groups = dict(zip(NAME_GROUPS, (value.alphabetic, value.ideographic, value.phonetic), strict=True))
    return (
        {f"{name}_{group}": text for group, text in groups.items()}
        | {f"{name}_{group}_folded": folded(text) for group, text in groups.items()}
        | {f"{name}_words": words(value)}
    )


def _names(table: Table, unit: tuple[str, ...]) -> list[str]:
    """Return the columns of a unit."""
    names = [one for name in unit for one in _columns_of(name, PersonName() if f"{name}_words" in table.c else "")]
    return [*names, "clinical_date"] if unit == STUDY[_DATE] else names


def _revise(table: Table, units: Units) -> Update:
    return (
        update(table)
        .where(
            table.c.patient_key == bindparam("k_patient", type_=BigInteger),
            table.c.id == bindparam("k_row", type_=BigInteger),
        )
        .values(
            told=bindparam("n_told", type_=BigInteger),
            **{
                name: case(
                    (
                        bindparam(f"w_{number}", type_=Integer) == _ONE,
                        bindparam(f"n_{name}", type_=table.c[name].type),
                    ),
                    else_=table.c[name],
                )
                for number, unit in enumerate(units)
                for name in _names(table, unit)
            },
        )
    )


REVISE_STUDY, REVISE_SERIES = _revise(dicom_study, STUDY), _revise(dicom_series, SERIES)


def _redate(table: Table) -> Update:
    return (
        update(table)
        .where(
            table.c.patient_key == bindparam("k_patient", type_=BigInteger),
            table.c.study == bindparam("k_row", type_=BigInteger),
        )
        .values(clinical_date=bindparam("n_date", type_=BigInteger))
    )


_REDATE = (_redate(dicom_series), _redate(dicom_instance))


async def tell_study(connection: Connection, word: Word, row: Sequence[Any]) -> tuple[bool, int]:
    """Let a study be what an instance says, where that counts for more; its series and instances have its date.

    Args:
        connection: In a write transaction.
        word: What the instance says.
        row: The study's, as `STUDY_ROW` found it.

    Returns:
        Whether it is another study now, and its clinical date.
    """
    patient_key, row_id, _, patient_id, told, clinical_date = row
    about = word.facts.study
    if about.patient_id != patient_id and about.issuer_of_patient_id:
        # The issuer of another number says nothing of this one.
        about = replace(about, issuer_of_patient_id="")
    told, better = ranked(STUDY, about, told, of_image=word.of_image)
    if not better:
        return False, clinical_date
    await revise_study(connection, patient_key, row_id, (about, word.clinical_date), (told, better))
    if _DATE in better and word.clinical_date != clinical_date:
        await redate(connection, patient_key, row_id, word.clinical_date)
    return True, word.clinical_date if _DATE in better else clinical_date


async def revise_study(
    connection: Connection, patient_key: int, row: int, said: tuple[StudyFacts, int], what: tuple[int, tuple[int, ...]]
) -> None:
    """Write some units of a study: facts and clinical date, what has been told then, and which units."""
    about, clinical_date = said
    told, better = what
    values = columns_of(STUDY, about) | {"clinical_date": clinical_date, "told": told}
    await connection.execute(
        REVISE_STUDY,
        _bound(patient_key, row, values, better, len(STUDY)) | {"k_uid": about.study_instance_uid},
    )


async def revise_series(
    connection: Connection, patient_key: int, row: int, about: SeriesFacts, what: tuple[int, tuple[int, ...]]
) -> None:
    """Write some units of a series: facts, what has been told then, and which units."""
    told, better = what
    values = columns_of(SERIES, about) | {"told": told}
    await connection.execute(
        REVISE_SERIES,
        _bound(patient_key, row, values, better, len(SERIES)) | {"k_uid": about.series_instance_uid},
    )


def _bound(
    patient_key: int, row: int, values: Mapping[str, Any], better: tuple[int, ...], units: int
) -> dict[str, Any]:
    found: dict[str, Any] = {"k_patient": patient_key, "k_row": row}
    found |= {f"n_{name}": value for name, value in values.items()}
    return found | {f"w_{number}": int(number in better) for number in range(units)}


async def redate(connection: Connection, patient_key: int, study: int, clinical_date: int) -> None:
    """Give the series and instances of a study its clinical date: they are disclosed by it together."""
    for statement in _REDATE:
        await connection.execute(statement, {"k_patient": patient_key, "k_row": study, "n_date": clinical_date})


async def tell_series(connection: Connection, word: Word, row: Sequence[Any]) -> None:
    """Let a series be what an instance says, where that counts for more; `row` as `SERIES_ROW` found it."""
    patient_key, row_id, _, _, told = row
    what = ranked(SERIES, word.facts.series, told, of_image=word.of_image)
    if what[1]:
        await revise_series(connection, patient_key, row_id, word.facts.series, what)


async def tell(connection: Connection, custodian: int, word: Word) -> int | None:
    """Let a study and a series that are there be what one of their instances says, where that counts for more.

    Returns:
        The row of the study if it is told of otherwise now.
    """
    study, series = word.facts.study.study_instance_uid, word.facts.series.series_instance_uid
    for row in await connection.fetch(SERIES_ROW, {"uid": series, "custodian": custodian}):
        await tell_series(connection, word, row)
    for row in await connection.fetch(STUDY_ROW, {"uid": study, "custodian": custodian}):
        revised, _ = await tell_study(connection, word, row)
        if revised:
            return int(row[1])
    return None
