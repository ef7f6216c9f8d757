"""What was rejected, or nobody decided on, is removed when its days are over; and with a Patient removed for good.

What a disc says of a Patient goes with that Patient, and so do images in review that may be of that Patient.
"""

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, update

from app.audit.record import Event
from app.db import WriteConnection
from app.hub import Hub
from app.imaging.hold import hold
from app.imaging.media.disc import GONE, QUARANTINED, REJECTED, REMOVED, SAID, WAITING, DiscPatient
from app.imaging.media.quarantine import drop_blobs, found_disc, waiting_of
from app.imaging.media.tables import media_disc, media_file, media_patient
from fhir.store.stored import Stored

INTERACTION = "media-removed"
CLIENT = "renkei"

_ENDED = (
    select(media_patient)
    .where(
        media_patient.c.state.in_([bindparam(f"s{n}", one, type_=Text) for n, one in enumerate((REJECTED, WAITING))]),
        media_patient.c.ends <= bindparam("now", type_=BigInteger),
        media_patient.c.ends > 0,
    )
    .limit(20)
)
_ENDED_STILL = select(media_patient.c.disc).where(
    media_patient.c.disc == bindparam("k_disc", type_=BigInteger),
    media_patient.c.number == bindparam("k_number", type_=Integer),
    media_patient.c.state == bindparam("k_state", type_=Text),
    media_patient.c.ends <= bindparam("now", type_=BigInteger),
)
_REMOVE_FILES = (
    update(media_file)
    .where(
        media_file.c.disc == bindparam("k_disc", type_=BigInteger),
        media_file.c.patient == bindparam("k_patient", type_=Integer),
        media_file.c.state == bindparam("k_state", type_=Text),
    )
    .values(state=bindparam("n_state", type_=Text), digest="")
)
_NOBODY = dict.fromkeys((*SAID, "patient"), "")
_REMOVE_PATIENT = (
    update(media_patient)
    .where(
        media_patient.c.disc == bindparam("k_disc", type_=BigInteger),
        media_patient.c.number == bindparam("k_number", type_=Integer),
        media_patient.c.state == bindparam("k_state", type_=Text),
    )
    .values(state=bindparam("n_state", type_=Text), ends=0, **_NOBODY)
)
_FILED_AS = select(media_patient).where(
    media_patient.c.custodian == bindparam("custodian", type_=Integer),
    media_patient.c.patient == bindparam("patient", type_=Text),
)
_IN_REVIEW = (
    select(media_patient)
    .join(media_disc, media_disc.c.number == media_patient.c.disc)
    .where(
        media_disc.c.custodian == bindparam("custodian", type_=Integer),
        media_disc.c.conflict != "",
        bindparam("key", type_=BigInteger).in_([media_disc.c.held_by, media_disc.c.stated_as]),
        media_patient.c.state != bindparam("removed", REMOVED, type_=Text),
    )
)
_DELETE_FILES = delete(media_file).where(
    media_file.c.disc == bindparam("k_disc", type_=BigInteger),
    media_file.c.patient == bindparam("k_patient", type_=Integer),
)


async def forget(hub: Hub) -> int:
    """Remove what is due, and return of how many patients of discs."""
    due = [DiscPatient(*row) for row in await hub.database.reader.fetch(_ENDED, {"now": hub.clock()})]
    for one in due:
        await _remove(hub, one)
    return len(due)


async def _remove(hub: Hub, one: DiscPatient) -> None:
    """Remove the images of a patient of a disc, and what the disc said of the patient."""
    async with hub.database.write() as connection:
        await hold(connection, one.custodian)
        files = await waiting_of(connection, one)
        named = {"k_disc": one.disc, "k_number": one.number, "k_state": one.state}
        # Somebody may have decided meanwhile, or more images may have come.
        if not await connection.fetch(_ENDED_STILL, {**named, "now": hub.clock()}):
            return
        if not await connection.execute(_REMOVE_PATIENT, {**named, "n_state": REMOVED}):
            return
        gone = {"k_disc": one.disc, "k_patient": one.number, "k_state": QUARANTINED, "n_state": GONE}
        await connection.execute(_REMOVE_FILES, gone)
        await drop_blobs(connection, files)
        disc = await found_disc(connection, one.disc)
        words = disc.words if disc is not None else f"Disc {one.disc}"
        why = "rejected images" if one.state == REJECTED else "images that nobody decided on,"
        told = Event(
            recorded=hub.clock(),
            action="D",
            interaction=INTERACTION,
            client=CLIENT,
            description=f"{words}: {len(files)} {why} of patient {one.number} are removed",
            custodian=await hub.organisation_reference(one.custodian),
        )
        await hub.audit.stage(connection, [told])


async def forget_discs(connection: WriteConnection, gone: Stored) -> None:
    """Remove what discs said of a Patient who is removed for good, the lines of the report of their files included.

    Args:
        connection: Inside the transaction that removes it.
        gone: What is removed; of anything but a Patient discs keep nothing.
    """
    if gone.type != "Patient":
        return
    await hold(connection, gone.custodian)
    filed = await connection.fetch(_FILED_AS, {"custodian": gone.custodian, "patient": gone.id})
    about = await connection.fetch(_IN_REVIEW, {"custodian": gone.custodian, "key": gone.patient_key})
    for one in dict.fromkeys(DiscPatient(*row) for row in [*filed, *about]):
        # Of a disc whose filing was interrupted some is in quarantine still.
        files = await waiting_of(connection, one)
        await connection.execute(_DELETE_FILES, {"k_disc": one.disc, "k_patient": one.number})
        values = {"k_disc": one.disc, "k_number": one.number, "k_state": one.state, "n_state": REMOVED}
        await connection.execute(_REMOVE_PATIENT, values)
        await drop_blobs(connection, files)
