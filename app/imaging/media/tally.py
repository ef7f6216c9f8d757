"""What a disc holds, counted by the database: by state, by patient and study; and where an earlier disc was filed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, select

from app.db import DatabaseConnection
from app.imaging.media.disc import NEW, PATIENT, QUARANTINED, SAID, STORED, DiscFile, DiscPatient
from app.imaging.media.tables import media_file, media_patient

MOST_SHOWN = 200
"""Files that a page shows; a file of the report has all."""

_DISC = bindparam("disc", type_=BigInteger)
_STATES = select(media_file.c.state, func.count()).where(media_file.c.disc == _DISC).group_by(media_file.c.state)
_BY = (media_file.c.patient, media_file.c.study, media_file.c.study_date, media_file.c.modality)
_STUDIES = (
    select(*_BY, func.count())
    .where(media_file.c.disc == _DISC, media_file.c.patient > 0)
    .group_by(*_BY)
    .order_by(media_file.c.patient, media_file.c.study_date, media_file.c.study, media_file.c.modality)
)
_LEFT = (
    select(media_file.c.patient, media_file.c.state, func.count())
    .where(media_file.c.disc == _DISC, media_file.c.patient > 0)
    .group_by(media_file.c.patient, media_file.c.state)
)
_NOTABLE = (
    select(media_file)
    .where(media_file.c.disc == _DISC)
    .where(
        media_file.c.state.not_in([bindparam(f"s{n}", one, type_=Text) for n, one in enumerate((QUARANTINED, STORED))])
    )
    .order_by(media_file.c.number)
    .limit(bindparam("most", type_=Integer))
)
_BEFORE = (
    select(media_patient.c.patient)
    .where(
        media_patient.c.custodian == bindparam("custodian", type_=Integer),
        *(media_patient.c[name] == bindparam(name, type_=Text) for name in SAID),
        media_patient.c.state.in_([bindparam(f"s{n}", one, type_=Text) for n, one in enumerate((PATIENT, NEW))]),
        media_patient.c.patient != "",
    )
    .order_by(media_patient.c.at.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Study:
    """What a disc has of a study, of one modality."""

    patient: int
    uid: str
    date: str
    """YYYYMMDD, or empty."""
    modality: str
    images: int


async def states_on(connection: DatabaseConnection, disc: int) -> dict[str, int]:
    """Return how many files of a disc are in each state."""
    return {str(state): int(count) for state, count in await connection.fetch(_STATES, {"disc": disc})}


async def studies_on(connection: DatabaseConnection, disc: int) -> list[Study]:
    """Return the studies of a disc, by patient and date."""
    return [Study(*row) for row in await connection.fetch(_STUDIES, {"disc": disc})]


async def images_on(connection: DatabaseConnection, disc: int) -> dict[tuple[int, str], int]:
    """Return how many images of each patient of a disc are in each state."""
    return {(int(one), str(state)): int(count) for one, state, count in await connection.fetch(_LEFT, {"disc": disc})}


async def notable_on(connection: DatabaseConnection, disc: int, *, most: int = MOST_SHOWN) -> Sequence[DiscFile]:
    """Return the files of a disc that did not become images of a patient, in the order in which they were read."""
    return [DiscFile(*row) for row in await connection.fetch(_NOTABLE, {"disc": disc, "most": most})]


async def filed_before(connection: DatabaseConnection, one: DiscPatient) -> str:
    """Return the id of the Patient whose an earlier disc, that said the same, was filed as; or an empty text."""
    values = {name: getattr(one, name) for name in ("custodian", *SAID)}
    rows = await connection.fetch(_BEFORE, values)
    return str(rows[0][0]) if rows else ""
