"""What is kept of discs: rows of files and of whom they are about, and the blobs that they name."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Integer, Text, bindparam, delete, func, select, update

from app.blobs.tables import blob
from app.db import DatabaseConnection, WriteConnection
from app.imaging.media.disc import QUARANTINED, WAITING, Disc, DiscFile, DiscPatient
from app.imaging.media.entries import MOST_FILES
from app.imaging.media.tables import media_disc, media_file, media_patient
from dicom.store.tables import dicom_instance

MOST_LISTED = 200
"""Discs that a page shows, the newest."""


class Listed(NamedTuple):
    """A disc in the list of a site."""

    disc: Disc
    waiting: int
    """Patients whom nobody has decided on."""
    images: int
    """Files in quarantine."""
    ends: int
    """When the first of those patients is forgotten, in microseconds since 1970 UTC; 0 when none is."""


_DISC = bindparam("disc", type_=BigInteger)
_NUMBER = bindparam("number", type_=BigInteger)
_CUSTODIAN = bindparam("custodian", type_=Integer)

_ONE = select(media_disc).where(media_disc.c.number == _NUMBER)
_WAITS = (media_patient.c.disc == media_disc.c.number, media_patient.c.state == bindparam("waiting", type_=Text))
_WAITING_PATIENTS = select(func.count()).where(*_WAITS).scalar_subquery()
_OF_SITE = (
    select(
        media_disc,
        _WAITING_PATIENTS,
        select(func.count())
        .where(media_file.c.disc == media_disc.c.number, media_file.c.state == bindparam("quarantined", type_=Text))
        .scalar_subquery(),
        select(func.coalesce(func.min(media_patient.c.ends), 0))
        .where(*_WAITS, media_patient.c.ends > 0)
        .scalar_subquery(),
    )
    .where(media_disc.c.custodian == _CUSTODIAN, (media_disc.c.conflict != "") == bindparam("review", type_=Boolean))
    # Whoever has much to do sees what is to be done.
    .order_by(_WAITING_PATIENTS == 0, media_disc.c.number.desc())
    .limit(bindparam("most", type_=Integer))
)
_STATED = (
    select(media_patient)
    .join(media_disc, media_disc.c.number == media_patient.c.disc)
    .where(media_disc.c.custodian == _CUSTODIAN, media_disc.c.conflict != "")
    .order_by(media_patient.c.state != bindparam("waiting", WAITING, type_=Text), media_patient.c.disc.desc())
    .limit(MOST_LISTED)
)
_SET_DISC = (
    update(media_disc)
    .where(media_disc.c.number == bindparam("k_number", type_=BigInteger))
    .values(
        state=bindparam("n_state", type_=Text),
        problem=bindparam("n_problem", type_=Text),
        upload=bindparam("n_upload", type_=Text),
    )
)
_PATIENTS = select(media_patient).where(media_patient.c.disc == _DISC).order_by(media_patient.c.number)
_FILES = select(media_file).where(media_file.c.disc == _DISC).order_by(media_file.c.number)
_WAITING = (
    select(media_file)
    .where(
        media_file.c.disc == _DISC,
        media_file.c.patient == bindparam("patient", type_=Integer),
        media_file.c.state == bindparam("quarantined", type_=Text),
    )
    .order_by(media_file.c.number)
    .limit(bindparam("most", type_=Integer))
)
_REMOVE_BLOB = delete(blob).where(
    blob.c.custodian == bindparam("k_custodian", type_=Integer), blob.c.digest == bindparam("k_digest", type_=Text)
)
_QUARANTINED = (
    select(media_file.c.number)
    .where(
        media_file.c.custodian == _CUSTODIAN,
        media_file.c.digest == bindparam("digest", type_=Text),
        media_file.c.state == bindparam("quarantined", type_=Text),
    )
    .limit(1)
)
_UPLOADED = (
    select(media_disc.c.number)
    .where(media_disc.c.custodian == _CUSTODIAN, media_disc.c.upload == bindparam("digest", type_=Text))
    .limit(1)
)
_INSTANCE = (
    select(dicom_instance.c.id)
    .where(
        dicom_instance.c.sop_instance_uid == bindparam("instance", type_=Text),
        dicom_instance.c.custodian == _CUSTODIAN,
        dicom_instance.c.digest == bindparam("digest", type_=Text),
    )
    .limit(1)
)


async def found_disc(connection: DatabaseConnection, number: int) -> Disc | None:
    """Return a disc by its number."""
    rows = await connection.fetch(_ONE, {"number": number})
    return Disc(*rows[0]) if rows else None


async def discs_of(connection: DatabaseConnection, custodian: int, *, review: bool = False) -> list[Listed]:
    """Return a site's discs, those that wait for a decision first, then the newest; or what is in review."""
    values = {"custodian": custodian, "most": MOST_LISTED, "waiting": WAITING, "quarantined": QUARANTINED}
    rows = await connection.fetch(_OF_SITE, {**values, "review": review})
    return [Listed(Disc(*row[:-3]), *map(int, row[-3:])) for row in rows]


async def stated_in_review(connection: DatabaseConnection, custodian: int) -> dict[int, DiscPatient]:
    """Return whom images in review say that they are about, by the number of the entry."""
    rows = await connection.fetch(_STATED, {"custodian": custodian})
    return {one.disc: one for one in (DiscPatient(*row) for row in rows)}


async def settle_disc(connection: WriteConnection, disc: Disc, state: str, problem: str = "") -> None:
    """Say how the reading of a disc ended; what was uploaded is not needed any more, by this disc; under `hold`."""
    values = {"k_number": disc.number, "n_state": state, "n_problem": problem, "n_upload": ""}
    await connection.execute(_SET_DISC, values)
    if disc.upload:
        await drop_blob(connection, disc.custodian, disc.upload, "")


async def patients_on(connection: DatabaseConnection, disc: int) -> list[DiscPatient]:
    """Return whom a disc is about, in the order in which they were found."""
    return [DiscPatient(*row) for row in await connection.fetch(_PATIENTS, {"disc": disc})]


async def files_on(connection: DatabaseConnection, disc: int) -> list[DiscFile]:
    """Return every file of a disc, in the order in which they were read."""
    return [DiscFile(*row) for row in await connection.fetch(_FILES, {"disc": disc})]


async def waiting_of(connection: DatabaseConnection, one: DiscPatient, *, most: int = MOST_FILES) -> list[DiscFile]:
    """Return the files of a patient of a disc that are in quarantine, in the order in which they were read."""
    values = {"disc": one.disc, "patient": one.number, "quarantined": QUARANTINED, "most": most}
    return [DiscFile(*row) for row in await connection.fetch(_WAITING, values)]


async def note_blobs(connection: WriteConnection, custodian: int, kept: Iterable[tuple[str, int]], now: int) -> None:
    """Write the rows of blobs, by digest and size, that are not noted yet."""
    await connection.insert_missing(blob, [(custodian, digest, size, now) for digest, size in dict(kept).items()])


async def drop_blobs(connection: WriteConnection, files: Sequence[DiscFile]) -> None:
    """Remove the rows of blobs that only these files, not in quarantine any more, have named; under `hold`."""
    for one in files:
        await drop_blob(connection, one.custodian, one.digest, one.instance)


async def drop_blob(connection: WriteConnection, custodian: int, digest: str, instance: str) -> None:
    """Remove the row of a blob that neither an instance, a file in quarantine nor an upload names; under `hold`."""
    values = {"custodian": custodian, "digest": digest}
    if await connection.fetch(_INSTANCE, {**values, "instance": instance}):
        return
    if await connection.fetch(_QUARANTINED, {**values, "quarantined": QUARANTINED}):
        return
    if not await connection.fetch(_UPLOADED, values):
        await connection.execute(_REMOVE_BLOB, {"k_custodian": custodian, "k_digest": digest})
