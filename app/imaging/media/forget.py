"""What was rejected is removed when its days are over: first on record, then gone."""

from sqlalchemy import BigInteger, Integer, Text, bindparam, select, update

from app.audit.record import Event
from app.hub import Hub
from app.imaging.media.disc import GONE, QUARANTINED, REJECTED, REMOVED, DiscFile, DiscPatient
from app.imaging.media.quarantine import drop_blobs, hold
from app.imaging.media.tables import media_file, media_patient

INTERACTION = "media-removed"
CLIENT = "renkei"

_ENDED = (
    select(media_patient)
    .where(
        media_patient.c.state == bindparam("rejected", type_=Text),
        media_patient.c.ends <= bindparam("now", type_=BigInteger),
        media_patient.c.ends > 0,
    )
    .limit(20)
)
_FILES = select(media_file).where(
    media_file.c.disc == bindparam("disc", type_=BigInteger),
    media_file.c.patient == bindparam("patient", type_=Integer),
    media_file.c.state == bindparam("state", type_=Text),
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
_REMOVE_PATIENT = (
    update(media_patient)
    .where(
        media_patient.c.disc == bindparam("k_disc", type_=BigInteger),
        media_patient.c.number == bindparam("k_number", type_=Integer),
        media_patient.c.state == bindparam("k_state", type_=Text),
    )
    .values(
        state=bindparam("n_state", type_=Text),
        ends=0,
        **dict.fromkeys(
            ("patient_id", "issuer", "institution", "alphabetic", "ideographic", "phonetic", "birth_date", "sex"), ""
        ),
    )
)


async def forget(hub: Hub) -> int:
    """Remove what is due, and return of how many patients of discs."""
    values = {"rejected": REJECTED, "now": hub.clock()}
    due = [DiscPatient(*row) for row in await hub.database.reader.fetch(_ENDED, values)]
    for one in due:
        await _remove(hub, one)
    return len(due)


async def _remove(hub: Hub, one: DiscPatient) -> None:
    """Remove the images of a patient of a disc, and what the disc said of the patient."""
    async with hub.database.write() as connection:
        await hold(connection, one.custodian)
        key = {"disc": one.disc, "patient": one.number, "state": QUARANTINED}
        files = [DiscFile(*row) for row in await connection.fetch(_FILES, key)]
        values = {"k_disc": one.disc, "k_number": one.number, "k_state": REJECTED, "n_state": REMOVED}
        if not await connection.execute(_REMOVE_PATIENT, values):
            return
        gone = {"k_disc": one.disc, "k_patient": one.number, "k_state": QUARANTINED, "n_state": GONE}
        await connection.execute(_REMOVE_FILES, gone)
        await drop_blobs(connection, files)
        told = Event(
            recorded=hub.clock(),
            action="D",
            interaction=INTERACTION,
            client=CLIENT,
            description=f"Disc {one.disc}: {len(files)} rejected images of patient {one.number} are removed",
            custodian=await hub.organisation_reference(one.custodian),
        )
        await hub.audit.stage(connection, [told])
