"""Notes which study is to be described, and since when; whoever describes it takes the note away."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, update

from app.db import DatabaseConnection, WriteConnection
from app.imaging.undescribed.tables import dicom_undescribed

AFTER = 3_000_000
"""How long a study waits, while more of it may come; microseconds."""

_PLACE = (
    dicom_undescribed.c.patient_key == bindparam("k_patient", type_=BigInteger),
    dicom_undescribed.c.study == bindparam("k_study", type_=BigInteger),
)
_FORGET = delete(dicom_undescribed).where(*_PLACE)
_POSTPONE = update(dicom_undescribed).where(*_PLACE).values(since=bindparam("n_since", type_=BigInteger))
_DUE = (
    select(*dicom_undescribed.c)
    .where(dicom_undescribed.c.since <= bindparam("until", type_=BigInteger))
    .order_by(dicom_undescribed.c.since)
    .limit(bindparam("most", type_=BigInteger))
)
_OF_STUDY = select(*dicom_undescribed.c).where(
    dicom_undescribed.c.custodian == bindparam("custodian", type_=Integer),
    dicom_undescribed.c.study_instance_uid == bindparam("uid", type_=Text),
)


class Undescribed(NamedTuple):
    """A study that is to be described."""

    patient_key: int
    study: int
    """Its row, and that of its ImagingStudy."""
    custodian: int
    study_instance_uid: str
    since: int
    """When the first instance came that its ImagingStudy does not tell of; microseconds since 1970 UTC."""


async def note(connection: WriteConnection, study: Undescribed) -> None:
    """Note that a study is to be described; one that is noted already stays as it is."""
    await connection.insert_missing(dicom_undescribed, [tuple(study)])


async def forget(connection: WriteConnection, patient_key: int, study: int) -> bool:
    """Take the note of a study away; return whether there was one."""
    return bool(await connection.execute(_FORGET, {"k_patient": patient_key, "k_study": study}))


async def postpone(connection: WriteConnection, study: Undescribed, since: int) -> None:
    """Have a study described later."""
    await connection.execute(_POSTPONE, {"k_patient": study.patient_key, "k_study": study.study, "n_since": since})


async def due(connection: DatabaseConnection, until: int, *, most: int) -> list[Undescribed]:
    """Return studies that have waited since an instant or longer, the oldest first."""
    return [Undescribed(*row) for row in await connection.fetch(_DUE, {"until": until, "most": most})]


async def waiting(connection: DatabaseConnection, custodian: int, uid: str) -> list[Undescribed]:
    """Return a custodian's study, by its StudyInstanceUID, if it waits."""
    return [Undescribed(*row) for row in await connection.fetch(_OF_STUDY, {"custodian": custodian, "uid": uid})]
