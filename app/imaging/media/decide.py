"""A person says whose the images of a disc are: a Patient of the site, a new one, or nobody's that is wanted here.

What was decided, by whom, and the images themselves are written in one transaction with its audit record. A disc with
very many images is filed in several; what is left is filed by the same decision, made again.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from sqlalchemy import BigInteger, Integer, Text, bindparam, update

from app.access.directory import Organisation, find_organisation
from app.audit.record import Event
from app.clock import DAY
from app.identity.known import known_patient
from app.imaging.custody import Custody
from app.imaging.events import storing_events
from app.imaging.filing import Filed, file_instances
from app.imaging.keep import Failure, Received, read_incoming
from app.imaging.media.disc import (
    NEW,
    PATIENT,
    REFUSED,
    REJECTED,
    STORED,
    WAITING,
    Disc,
    DiscFile,
    DiscPatient,
)
from app.imaging.media.quarantine import drop_blobs, waiting_of
from app.imaging.media.tables import media_file, media_patient
from app.imaging.owners import Owner
from app.imaging.patient import LOCAL_ISSUER, patient, printable, system
from app.imaging.sources.manifests import referred_to, without_references
from app.records.commit import committed
from app.records.events import common
from app.records.request import FhirRequest
from app.records.row_ids import new_id
from app.records.writing import Writing
from dicom.indexing import StudyFacts
from fhir.errors import Conflict, Forbidden, InvalidValue
from fhir.store.categories import Category

INTERACTION = "media-decision"

ACTS = (PATIENT, NEW, REJECTED, WAITING)
"""What may be decided; `waiting` takes a rejection back."""

FILED = (Category.IMAGING, Category.IDENTITY, Category.DOCUMENT, Category.DIRECTORY, Category.OTHER)
"""What the hub makes of images: besides these a Patient, documents and manifests, the Endpoint, a Provenance."""

MOST_FILES = 1_000
"""Of one transaction."""
MOST_MODEL_BYTES = 100_000_000
"""Of the headers of one transaction as DICOM JSON: they wait in memory for it."""

_DISC, _NUMBER = bindparam("k_disc", type_=BigInteger), bindparam("k_number", type_=Integer)
_DECIDE = (
    update(media_patient)
    .where(
        media_patient.c.disc == _DISC,
        media_patient.c.number == _NUMBER,
        media_patient.c.state == bindparam("k_state", type_=Text),
        media_patient.c.patient == bindparam("k_patient", type_=Text),
    )
    .values(
        **{name: bindparam(f"n_{name}", type_=Text) for name in ("state", "patient", "by", "by_title")},
        **{name: bindparam(f"n_{name}", type_=BigInteger) for name in ("at", "ends")},
    )
)
_SETTLE = (
    update(media_file)
    .where(media_file.c.disc == _DISC, media_file.c.number == _NUMBER)
    .values(state=bindparam("n_state", type_=Text), reason=bindparam("n_reason", type_=Text))
)


class InUse(Conflict):
    """The images cannot be filed under the patient who was chosen: another one has their study or series."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided."""

    act: str
    patient: str = ""
    """Of `patient`: the id of the site's Patient."""


async def decide(request: FhirRequest, disc: Disc, one: DiscPatient, decision: Decision) -> None:
    """Carry a decision out.

    Args:
        request: Who decides; of the site that read the disc.
        disc: The disc.
        one: Whom some of its files are about, as the caller was shown it.
        decision: What was decided.

    Raises:
        InvalidValue: there is no such decision.
        NotFound: the Patient does not exist for the caller.
        Forbidden: the Patient is another site's.
        InUse: images in review are of a study that another patient still has; nothing was changed.
        Conflict: somebody else has decided meanwhile.
        StaleCaller: rights changed; what is not filed yet is filed when it is decided again.
    """
    if disc.custodian != request.caller.organisation:
        raise Forbidden("The disc is another site's")
    if decision.act not in ACTS:
        raise InvalidValue("This is none of the decisions", "act")
    request.interaction, request.action = INTERACTION, "U"
    if decision.act in (REJECTED, WAITING):
        await _set_aside(request, disc, one, decision.act)
        return
    owner = await _owner_of(request, disc, one, decision)
    # What the desk may not look at, it files all the same: the hub reads for it what the site keeps.
    request.visibility = Custody(disc.custodian)
    for category in FILED:
        request.let_write(category)
    one = await _file_some(request, disc, one, decision.act, owner)
    while await waiting_of(request.hub.database.reader, one, most=1):
        one = await _file_some(request, disc, one, decision.act, owner)


async def _set_aside(request: FhirRequest, disc: Disc, one: DiscPatient, act: str) -> None:
    """Reject what is about a patient, or take that back."""
    if one.state != (WAITING if act == REJECTED else REJECTED):
        raise Conflict("Somebody has decided already")
    settings = request.hub.settings
    ends = request.now + (settings.media_days if act == REJECTED else settings.media_waiting_days) * DAY

    async def work(writing: Writing) -> None:
        await _note(writing, one, act, "", ends)

    async def tell(_: None, __: Writing) -> list[Event]:
        words = f"{disc.words}, patient {one.number}: {'rejected' if act == REJECTED else 'taken back'}"
        return [Event(**common(request, 200), description=words)]

    await committed(request, work, tell)


async def _owner_of(request: FhirRequest, disc: Disc, one: DiscPatient, decision: Decision) -> Owner:
    """Return whose the images become.

    Raises:
        NotFound: the Patient does not exist for the caller.
        Forbidden: it is another site's.
        Conflict: somebody has decided otherwise.
    """
    if one.state not in (WAITING, decision.act):
        raise Conflict("Somebody has decided already")
    id_ = decision.patient if decision.act == PATIENT else one.patient
    if one.patient and one.patient != id_:
        raise Conflict("Somebody has decided already")
    if id_:
        found = await request.record.read("Patient", id_)
        if found.custodian != request.caller.organisation:
            raise Forbidden("The Patient is another site's")
        return Owner(id_, found.patient_key, None)
    if decision.act == PATIENT:
        raise InvalidValue("No Patient was chosen", "patient")
    site = await find_organisation(request.hub.database.reader, request.caller.organisation_slug)
    described = new_patient(disc, one, site)
    known = await known_patient(request.record.connection, described, site.key) if disc.conflict else None
    if known is not None:
        return Owner(*known, None)
    row, made = new_id(request.hub)
    return Owner(made, row, described)


def new_patient(disc: Disc, one: DiscPatient, site: Organisation) -> dict[str, Any]:
    """Return the Patient that images describe; the number on a disc is the other hospital's, never the site's own."""
    facts = StudyFacts(
        *("", "", "", "", one.name, "", "", one.name, one.patient_id, one.issuer, one.birth_date, one.sex, "")
    )
    is_own = bool(one.issuer or disc.conflict)
    named = system(one.issuer, site) if is_own else foreign_system(one.institution, site)
    made = patient(facts, named)
    if not printable(one.patient_id):
        made.pop("identifier")
    return made


def foreign_system(institution: str, site: Organisation) -> str:
    """Return the identifier system of the numbers of a hospital that is known by its name alone."""
    return f"{LOCAL_ISSUER}/{site.slug}/media/{quote(institution, safe='')}"


async def _file_some(request: FhirRequest, disc: Disc, one: DiscPatient, act: str, owner: Owner) -> DiscPatient:
    """File as many images as one transaction takes, and return what is known of their patient then.

    Raises:
        InUse: images in review cannot be filed so.
        Conflict: somebody else has decided meanwhile.
    """
    waiting = await waiting_of(request.hub.database.reader, one, most=MOST_FILES)
    files, received, broken = await _read(request, waiting)
    images = [found for _, found in received]
    # A manifest of the site's own refers to what its sources have; one on a disc to what another hospital has.
    references = await referred_to(request.hub, disc.custodian, images) if disc.conflict else []

    async def work(writing: Writing) -> Filed:
        filed = await file_instances(writing, [*images, *references], owner=owner)
        filed.stored, filed.failures = without_references(filed.stored, filed.failures, references)
        if disc.conflict and images and (filed.conflicts or not filed.stored):
            # What can be filed nowhere is rejected by a person, not lost by a choice.
            raise InUse("Another patient or study has this study or series")
        # What a Patient was to be made for and was not stored makes none.
        chosen = "" if owner.resource is not None else owner.id
        await _note(writing, one, act, chosen, 0)
        refused = {found.sop_instance_uid: found.reason for found in filed.failures}
        # A disc may hold an instance twice, with other bytes: the one that was stored is not the one that was refused.
        taken = {found.digest for found in filed.stored}
        rows = [
            (file, None if found.digest in taken else refused.get(found.sop_instance_uid)) for file, found in received
        ]
        await _settle(writing, [*rows, *((file, problem.reason) for file, problem in broken)])
        return filed

    async def tell(filed: Filed, writing: Writing) -> list[Event]:
        words = f"{disc.words}, patient {one.number}: {len(filed.stored)} of {len(files)} images filed"
        told = await storing_events(request, filed.touched, writing)
        return [each._replace(description=words) for each in told]

    await committed(request, work, tell)
    # It is one entry of the person's, however many transactions carry it out.
    request.settle = None
    return replace(one, state=act, patient="" if owner.resource is not None else owner.id)


async def _note(writing: Writing, one: DiscPatient, act: str, chosen: str, ends: int) -> None:
    """Note a decision.

    Raises:
        Conflict: somebody else has decided meanwhile.
    """
    caller = writing.request.caller
    values = {
        "k_disc": one.disc,
        "k_number": one.number,
        "k_state": one.state,
        "k_patient": one.patient,
        "n_state": act,
        "n_patient": chosen,
        "n_by": caller.user,
        "n_by_title": caller.user_title,
        "n_at": writing.request.now,
        "n_ends": ends,
    }
    if not await writing.connection.execute(_DECIDE, values):
        raise Conflict("Somebody has decided already")


async def _settle(writing: Writing, rows: list[tuple[DiscFile, str | None]]) -> None:
    """Note what became of files: stored, or the reason why not; what is not stored is not kept either."""
    for file, reason in rows:
        state = STORED if reason is None else REFUSED
        values = {"k_disc": file.disc, "k_number": file.number, "n_state": state, "n_reason": (reason or "")[:500]}
        await writing.connection.execute(_SETTLE, values)
    await drop_blobs(writing.connection, [file for file, reason in rows if reason is not None])


async def _read(
    request: FhirRequest, files: list[DiscFile]
) -> tuple[list[DiscFile], list[tuple[DiscFile, Received]], list[tuple[DiscFile, Failure]]]:
    """Read files again: all that were read, those that are sound, and those that are not."""
    received: list[tuple[DiscFile, Received]] = []
    broken: list[tuple[DiscFile, Failure]] = []
    done: list[DiscFile] = []
    model_bytes = 0
    for file in files:
        if model_bytes > MOST_MODEL_BYTES:
            break
        found = await _again(request, file)
        done.append(file)
        if isinstance(found, Failure):
            broken.append((file, found))
        else:
            model_bytes += len(found.extracted.columns["model"])
            received.append((file, found))
    return done, received, broken


async def _again(request: FhirRequest, file: DiscFile) -> Received | Failure:
    """Read the header of a file in quarantine."""
    incoming = request.hub.blobs.incoming()
    try:
        async for piece in request.hub.blobs.stream(file.custodian, file.digest):
            incoming.write(piece)
        found = await asyncio.to_thread(read_incoming, incoming)
        # It is kept already, by the name under which the disc's file is known.
        return replace(found, digest=file.digest, size=file.size) if isinstance(found, Received) else found
    finally:
        incoming.discard()
