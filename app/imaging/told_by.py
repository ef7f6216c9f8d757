"""Which ImagingStudies that a site writes itself tell of which study: what is decided of those holds for its images.

The hub's own ImagingStudy has the row number of its study, and needs none of this. What is noted is an index row of the
site's ImagingStudy, which `app.consent.data` follows; it stays when that is deleted, as what it refers to does.
"""

from collections.abc import Iterable, Sequence

import orjson
from sqlalchemy import BigInteger, Integer, bindparam, delete, select

from app.db import WriteConnection
from app.imaging.imaging_study import study_uid
from app.imaging.labels import studies_of
from fhir.search.internal import DESCRIBES
from fhir.store.stored import Stored
from fhir.store.tables import index_reference

_OF_ROW = (
    index_reference.c.patient_key == bindparam("k_patient", type_=BigInteger),
    index_reference.c.row == bindparam("k_row", type_=BigInteger),
    index_reference.c.parameter == DESCRIBES,
)
_KNOWN = select(index_reference.c.target_hash, index_reference.c.version).where(*_OF_ROW)
_FORGET = delete(index_reference).where(*_OF_ROW, index_reference.c.version <= bindparam("k_version", type_=Integer))

Place = tuple[int, int, int]
"""Patient key, row and version of an ImagingStudy."""


async def note_told(connection: WriteConnection, one: Place, studies: Iterable[int]) -> None:
    """Note which studies a version of a site's own ImagingStudy tells of, by their rows; what is newer stays noted."""
    patient_key, row, version = one
    values = {"k_patient": patient_key, "k_row": row}
    wanted = {(study, version) for study in studies}
    known = {(int(study), int(of)) for study, of in await connection.fetch(_KNOWN, values) if of <= version}
    if known == wanted:
        return
    await connection.execute(_FORGET, {**values, "k_version": version})
    await connection.insert(index_reference, [(DESCRIBES, study, patient_key, row, of) for study, of in sorted(wanted)])


async def note_told_by(connection: WriteConnection, places: Iterable[Place], study: int) -> None:
    """Note that ImagingStudies of its site tell of a study that is new, beside what they tell of already."""
    for one in places:
        known = await connection.fetch(_KNOWN, {"k_patient": one[0], "k_row": one[1]})
        await note_told(connection, one, {study, *(int(of) for of, version in known if version == one[2])})


async def note_written(connection: WriteConnection, written: Sequence[Stored]) -> None:
    """Note which studies the ImagingStudies among `written` tell of.

    Args:
        connection: Inside the write transaction, after they and the images in it were written.
        written: What was written; what else it is is left out.
    """
    for one in written:
        if one.type != "ImagingStudy":
            continue
        place = one.patient_key, one.row, one.version
        if one.deleted and not one.body:
            known = await connection.fetch(_KNOWN, {"k_patient": one.patient_key, "k_row": one.row})
            await note_told(connection, place, {int(study) for study, _ in known})
            continue
        uid = study_uid(orjson.loads(one.body))
        studies = await studies_of(connection, one.custodian, uid) if uid else []
        await note_told(connection, place, {study.row for study in studies if study.row != one.row})
