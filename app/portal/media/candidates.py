"""The site's Patients whose images some may be, each beside what the images say."""

from dataclasses import dataclass

from app.access.directory import find_organisation
from app.identity.known import known_patient
from app.identity.match import match
from app.imaging.media.decide import new_patient
from app.imaging.media.disc import Disc, DiscPatient
from app.imaging.media.review import held_now
from app.imaging.media.tally import filed_before
from app.imaging.patient import GENDERS
from app.portal.gate import Visit
from app.portal.media.discs import iso_date
from app.portal.patients import find, today
from app.portal.people import Someone, someone
from app.records.conditional import Custody
from fhir.errors import Deleted, NotFound
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Patient of the site who may be meant."""

    who: Someone
    grade: str
    """How like the two are, by the codes of FHIR's match grades; `before` where an earlier disc was filed, `study` for
    whom images in review conflict with, `number` for who has the number that they say."""
    birth_differs: bool
    sex_differs: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Between whom images in review are in doubt."""

    holder: Candidate | None
    """Whose the study or series is here."""
    is_held: bool
    """Whether it is anybody's still."""
    numbered: Candidate | None
    """Who has the number that the images say."""


def compared(visit: Visit, about: DiscPatient, stored: Stored, grade: str) -> Candidate:
    """Return a Patient beside what images say."""
    who = someone(stored, today(visit))
    born, sex = iso_date(about.birth_date), GENDERS.get(about.sex, "")
    differs = bool(born and who.birth_date and not born.startswith(who.birth_date))
    return Candidate(who, grade, differs, bool(sex and who.gender in ("male", "female") and sex != who.gender))


async def own_patient(visit: Visit, id_: str) -> Stored | None:
    """Return a Patient of the caller's own site, noted as shown; None when there is none."""
    try:
        found = await visit.fhir.record.read("Patient", id_)
    except (Deleted, NotFound):
        return None
    return found if found.custodian == visit.caller.organisation else None


async def conflict_of(visit: Visit, disc: Disc, about: DiscPatient) -> Conflict:
    """Return between whom images in review are in doubt, as things are now."""
    reader = visit.hub.database.reader
    holder = await held_now(reader, disc)
    site = await find_organisation(reader, visit.caller.organisation_slug)
    known = await known_patient(reader, new_patient(disc, about, site), disc.custodian)

    async def beside(id_: str, grade: str) -> Candidate | None:
        stored = await own_patient(visit, id_)
        return None if stored is None else compared(visit, about, stored, grade)

    return Conflict(
        holder=None if holder is None else await beside(await visit.hub.patient_id(holder), "study"),
        is_held=holder is not None,
        numbered=None if known is None else await beside(known[0], "number"),
    )


async def candidates(visit: Visit, disc: Disc, about: DiscPatient, typed: str) -> list[Candidate]:
    """Return the site's Patients who may be meant, the likeliest first; those whom somebody looked for before them."""
    record = visit.fhir.record
    # What other sites have is out of the question, and crowds out nobody.
    own = Custody(record.visibility, visit.caller.organisation)
    found: dict[str, Candidate] = {}
    if typed:
        visit.hub.limits.person_search(visit.caller)
        for person in (await find(visit, typed, visibility=own))[0]:
            for who in person.patients:
                stored = await own_patient(visit, who.id)
                if stored is not None:
                    found[who.id] = compared(visit, about, stored, "found")
    before = await filed_before(record.connection, about)
    if before and before not in found and (stored := await own_patient(visit, before)) is not None:
        found[before] = compared(visit, about, stored, "before")
    site = await find_organisation(visit.hub.database.reader, visit.caller.organisation_slug)
    for like in await match(record.connection, own, new_patient(disc, about, site)):
        stored = like.candidate.stored
        if stored.id not in found:
            record.disclosed.append(stored)
            found[stored.id] = compared(visit, about, stored, like.grade.code)
    return list(found.values())
