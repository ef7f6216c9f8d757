"""Images that came by a door, of another patient than the site has their study or series of, wait for a person.

Each study that says the same of its patient is one entry of the list of discs, whose tables, pages and decisions it
shares. The bytes are kept as they came; no door shows them.
"""

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, select, update

from app.clock import DAY
from app.db import DatabaseConnection
from app.imaging.keep import Failure, Received, failure
from app.imaging.media.disc import NEW, PATIENT, QUARANTINED, READ, REJECTED, WAITING, Disc, DiscPatient, title_of
from app.imaging.media.quarantine import note_blobs
from app.imaging.media.stated import image_kept, patient_stated, placed
from app.imaging.media.tables import media_disc, media_file, media_patient
from dicom.failures import DUPLICATE_SOP_INSTANCE, IdentityConflict
from dicom.store.write import whose_uid

if TYPE_CHECKING:
    from app.records.writing import Writing

INTERACTION = "media-review"

_CUSTODIAN = bindparam("custodian", type_=Integer)
_SAID = ("issuer", "patient_id", "alphabetic", "ideographic", "phonetic", "birth_date", "sex")
"""What `DiscPatient.who` is made of."""
_OF_UID = (
    media_disc.c.conflict == bindparam("uid", type_=Text),
    media_disc.c.custodian == _CUSTODIAN,
    *(media_patient.c[name] == bindparam(name, type_=Text) for name in _SAID),
)
_OPEN = (
    select(media_disc.c.number)
    .join(media_patient, media_patient.c.disc == media_disc.c.number)
    .where(*_OF_UID, media_patient.c.state == bindparam("waiting", WAITING, type_=Text))
    .limit(1)
)
_DECIDED = (
    select(media_patient.c.patient)
    .join(media_disc, media_patient.c.disc == media_disc.c.number)
    .where(
        *_OF_UID,
        media_patient.c.state.in_([bindparam(f"s{n}", one, type_=Text) for n, one in enumerate((PATIENT, NEW))]),
        media_patient.c.patient != "",
    )
    .order_by(media_patient.c.at.desc())
    .limit(1)
)
_SAME = (
    select(media_patient.c.disc, media_patient.c.state)
    .join(media_disc, media_disc.c.number == media_patient.c.disc)
    .join(media_file, (media_file.c.disc == media_patient.c.disc) & (media_file.c.patient == media_patient.c.number))
    .where(
        media_file.c.custodian == _CUSTODIAN,
        media_file.c.digest == bindparam("digest", type_=Text),
        media_file.c.state == bindparam("quarantined", QUARANTINED, type_=Text),
        media_disc.c.conflict != "",
    )
    .limit(1)
)
_LAST = select(func.max(media_file.c.number)).where(media_file.c.disc == bindparam("disc", type_=BigInteger))
_PUT_OFF = (
    update(media_patient)
    .where(media_patient.c.disc == bindparam("k_disc", type_=BigInteger))
    .values(ends=bindparam("n_ends", type_=BigInteger))
)


async def held_now(connection: DatabaseConnection, disc: Disc) -> int | None:
    """Return the patient_key of whom the study or series in conflict is of by now, or None."""
    return await whose_uid(connection, disc.custodian, disc.conflict)


class Review:
    """What of one request goes to review, in its transaction, which holds the site.

    Args:
        writing: The transaction.
        custodian: The site.
    """

    def __init__(self, writing: "Writing", custodian: int) -> None:
        self.added: dict[int, int] = {}
        """How many images each entry was given, by its number."""
        self._writing, self._custodian = writing, custodian
        self._entries: dict[tuple[str, ...], tuple[DiscPatient, int]] = {}

    async def decided(self, received: Received, conflict: IdentityConflict) -> bool:
        """Return whether somebody has said of what came before that it belongs to the patient whose study it is."""
        connection = self._writing.connection
        rows = await connection.fetch(_DECIDED, self._values(self._stated(0, received), conflict))
        return bool(rows) and rows[0][0] == await self._writing.request.hub.patient_id(conflict.patient_key)

    async def add(self, received: Received, conflict: IdentityConflict, stated_as: int) -> Failure | None:
        """Keep an image for review, unless it is kept already; return why it is refused, if it is.

        Args:
            received: The image, whose bytes are durable.
            conflict: Why it cannot be filed.
            stated_as: The patient_key of the site's Patient with its number, 0 when there is none.
        """
        connection, now = self._writing.connection, self._writing.request.now
        for disc, state in await connection.fetch(_SAME, {"custodian": self._custodian, "digest": received.digest}):
            if state == REJECTED:
                return failure(received, DUPLICATE_SOP_INSTANCE, "the site has rejected it: its patient is in doubt")
            self.added.setdefault(int(disc), 0)
            return None
        one, last = await self._entry(received, conflict, stated_as)
        row = image_kept(one, last + 1, received, received.sop_instance_uid, listed=0, reason=conflict.reason)
        await connection.insert(media_file, [astuple(row)])
        await note_blobs(connection, self._custodian, [(received.digest, received.size)], now)
        self._entries[conflict.uid, *one.who] = one, last + 1
        self.added[one.disc] = self.added.get(one.disc, 0) + 1
        return None

    async def _entry(self, received: Received, conflict: IdentityConflict, stated_as: int) -> tuple[DiscPatient, int]:
        """Return whom an entry is about that waits for the same decision, a new one perhaps, and its last number."""
        one = self._stated(0, received)
        known = self._entries.get((conflict.uid, *one.who))
        if known is not None:
            return known
        connection = self._writing.connection
        rows = await connection.fetch(_OPEN, self._values(one, conflict))
        if not rows:
            return await self._begin(received, conflict, stated_as), 0
        number = int(rows[0][0])
        one = self._stated(number, received)
        ((last,),) = await connection.fetch(_LAST, {"disc": number})
        await connection.execute(_PUT_OFF, {"k_disc": number, "n_ends": one.ends})
        return one, int(last or 0)

    async def _begin(self, received: Received, conflict: IdentityConflict, stated_as: int) -> DiscPatient:
        request, facts = self._writing.request, received.extracted.facts
        caller = request.caller
        told = " ".join(one for one in (facts.series.modality, facts.study.study_description) if one)
        number = request.hub.new_row()
        disc = Disc(
            *(
                number,
                self._custodian,
                title_of(told),
                "",
                "",
                request.now,
                caller.user or caller.client,
                caller.user_title,
            ),
            *(READ, "", conflict.uid, conflict.patient_key, stated_as),
        )
        one = self._stated(number, received)
        await self._writing.connection.insert(media_disc, [astuple(disc)])
        await self._writing.connection.insert(media_patient, [astuple(placed(one, received))])
        return one

    def _stated(self, disc: int, received: Received) -> DiscPatient:
        request = self._writing.request
        ends = request.now + request.hub.settings.media_waiting_days * DAY
        return patient_stated(disc, 1, self._custodian, received, ends=ends)

    def _values(self, one: DiscPatient, conflict: IdentityConflict) -> dict[str, Any]:
        said = {name: getattr(one, name) for name in _SAID}
        return {"custodian": self._custodian, "uid": conflict.uid, **said}
