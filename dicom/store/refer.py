"""References: instances whose bytes a site keeps itself; the tables know their UIDs, their header, and who has them.

https://profiles.ihe.net/RAD/MADO/volume-1.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select, update

from dicom.store.connection import Connection
from dicom.store.tables import dicom_instance
from dicom.store.told import Word, tell

_OWN = (
    *("digest", "size", "transfer_syntax_uid", "pixel_offset", "pixel_length", "frames", "model"),
    *("number_of_frames", "rows", "columns", "bits_allocated", "instance_number", "source", "described"),
)
"""What a reference learns: its parents and its UIDs never change."""

_KEY = (
    dicom_instance.c.patient_key == bindparam("k_patient", type_=BigInteger),
    dicom_instance.c.id == bindparam("k_row", type_=BigInteger),
    dicom_instance.c.source.is_not(None),
)
_BY_NAME = {f"n_{name}": dicom_instance.c[name] for name in _OWN}
_SETTLE = (
    update(dicom_instance)
    .where(*_KEY)
    .values({column.name: bindparam(name, type_=column.type) for name, column in _BY_NAME.items()})
)
_OF_SOURCE = (
    dicom_instance.c.source == bindparam("source", type_=BigInteger),
    dicom_instance.c.source.is_not(None),
)
_PLACE = (
    *("patient_key", "id", "custodian", "study_instance_uid", "series_instance_uid", "sop_instance_uid"),
    *("sop_class_uid", "source"),
)


_STILL = select(*(dicom_instance.c[name] for name in _PLACE)).where(
    dicom_instance.c.patient_key == bindparam("patient", type_=BigInteger),
    dicom_instance.c.id == bindparam("row", type_=BigInteger),
    dicom_instance.c.source.is_not(None),
)


class Reference(NamedTuple):
    """An instance that a source has."""

    patient_key: int
    id: int
    custodian: int
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    source: int


_PAGE = (
    select(*(dicom_instance.c[name] for name in _PLACE))
    .where(
        *_OF_SOURCE,
        (dicom_instance.c.patient_key > bindparam("patient", type_=BigInteger))
        | (
            (dicom_instance.c.patient_key == bindparam("patient", type_=BigInteger))
            & (dicom_instance.c.id > bindparam("row", type_=BigInteger))
        ),
    )
    .order_by(dicom_instance.c.patient_key, dicom_instance.c.id)
    .limit(bindparam("limit", type_=BigInteger))
)
_PAGE_OF_STUDY = _PAGE.where(dicom_instance.c.study_instance_uid == bindparam("study"))
_COUNT = select(func.count()).select_from(dicom_instance).where(*_OF_SOURCE)


async def settle_reference(
    connection: Connection,
    word: Word,
    columns: Mapping[str, Any],
    found: Sequence[Any],
    *,
    custodian: int,
    digest: str,
    size: int,
) -> tuple[bool, bool]:
    """Return whether an instance that is there was a reference whose bytes are kept from now on.

    A reference that is told of again learns what is new: a header, or another source.

    Args:
        connection: In a write transaction.
        word: What it says of its study and series.
        columns: What `dicom.store.write.extract` made of the instance, or of the reference to it.
        found: Its row: patient key, id, digest, labels, study, source, described; the rest does not matter.
        custodian: Whose it is.
        digest: Names the blob; empty for a reference.
        size: Bytes of the blob; 0 for a reference.

    Returns:
        That, and whether its study is told of otherwise now.
    """
    patient_key, row, _, _, _, source, described, *_ = found
    if source is None or (columns["source"] is not None and not _says_more(columns, source, described)):
        return False, False
    await settle(connection, patient_key, row, {**columns, "digest": digest, "size": size})
    # What referred to it may have said little of its series and study, or otherwise.
    return columns["source"] is None, await tell(connection, custodian, word) is not None


def _says_more(columns: Mapping[str, Any], source: int, described: int | None) -> bool:
    if columns["described"] is not None:
        return True
    return described is None and columns["source"] != source


async def settle(connection: Connection, patient_key: int, row: int, columns: Mapping[str, Any]) -> None:
    """Write what is known of a reference now; what is kept by now stays as it is.

    Args:
        connection: In a write transaction.
        patient_key: Of its row.
        row: Of its row.
        columns: All that a reference learns, by the names of the columns.
    """
    values = {
        "k_patient": patient_key,
        "k_row": row,
        **{name: columns[column.name] for name, column in _BY_NAME.items()},
    }
    await connection.execute(_SETTLE, values)


async def references(
    connection: Connection, source: int, *, after: tuple[int, int] = (-1, -1), limit: int, study: str = ""
) -> list[Reference]:
    """Return references to a source in the order of their keys, whoever's they are: for the hub's own work.

    Args:
        connection: Where to look.
        source: The source.
        after: Patient key and id of the last one that was seen.
        limit: How many.
        study: A StudyInstanceUID; all when empty.
    """
    values: dict[str, Any] = {"source": source, "patient": after[0], "row": after[1], "limit": limit}
    if study:
        return [Reference(*row) for row in await connection.fetch(_PAGE_OF_STUDY, {**values, "study": study})]
    return [Reference(*row) for row in await connection.fetch(_PAGE, values)]


async def still_references(connection: Connection, rows: Sequence[Reference]) -> list[Reference]:
    """Return those that are references still, to the same source: neither deleted nor kept meanwhile."""
    found: list[Reference] = []
    for row in rows:
        there = await connection.fetch(_STILL, {"patient": row.patient_key, "row": row.id})
        found += [row for one in there if Reference(*one) == row]
    return found


async def count_references(connection: Connection, source: int) -> int:
    """Return how many instances a source has that are not kept here."""
    ((number,),) = await connection.fetch(_COUNT, {"source": source})
    return int(number)
