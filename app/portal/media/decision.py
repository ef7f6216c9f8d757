"""Whose the images of a disc are: what the disc says beside the site's Patients, and a person's decision."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access.directory import find_organisation
from app.entries.keep import settling
from app.identity.match import match
from app.imaging.media.decide import ACTS, Decision, decide, new_patient
from app.imaging.media.disc import PATIENT, QUARANTINED, WAITING, Disc, DiscPatient
from app.imaging.media.quarantine import patients_on
from app.imaging.media.tally import filed_before, images_on, studies_on
from app.imaging.patient import GENDERS
from app.portal.confirm import Shown, ask, is_confirmed, responsible_of, said
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.language import language_of, words
from app.portal.media.discs import disc_of, iso_date, of_patient
from app.portal.page import Page
from app.portal.patients import find, today
from app.portal.people import Someone, someone
from fhir.errors import Conflict, Deleted, InvalidValue, NotFound
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Patient of the site who may be meant."""

    who: Someone
    grade: str
    """How like the two are, by the codes of FHIR's match grades; `before` where an earlier disc was filed."""
    birth_differs: bool
    sex_differs: bool


async def _one(visit: Visit, disc: Disc) -> DiscPatient:
    asked = number(visit.web.path_params["patient"], digits=9)
    for found in await patients_on(visit.hub.database.reader, disc.number):
        if found.number == asked:
            return found
    raise NotFound("The disc has no such patient")


def _compared(visit: Visit, about: DiscPatient, stored: Stored, grade: str) -> Candidate:
    who = someone(stored, today(visit))
    born, sex = iso_date(about.birth_date), GENDERS.get(about.sex, "")
    differs = bool(born and who.birth_date and not born.startswith(who.birth_date))
    return Candidate(who, grade, differs, bool(sex and who.gender in ("male", "female") and sex != who.gender))


async def _read(visit: Visit, id_: str) -> Stored | None:
    """Return a Patient of the caller's own site, noted as shown; None when there is none."""
    try:
        found = await visit.fhir.record.read("Patient", id_)
    except (Deleted, NotFound):
        return None
    return found if found.custodian == visit.caller.organisation else None


async def _candidates(visit: Visit, about: DiscPatient, typed: str) -> list[Candidate]:
    """Return the site's Patients who may be meant, the likeliest first; those whom somebody looked for before them."""
    record, own = visit.fhir.record, visit.caller.organisation
    found: dict[str, Candidate] = {}
    if typed:
        visit.hub.limits.person_search(visit.caller)
        for person in (await find(visit, typed))[0]:
            for who in person.patients:
                stored = await _read(visit, who.id) if who.custodian == own else None
                if stored is not None:
                    found[who.id] = _compared(visit, about, stored, "found")
    before = await filed_before(record.connection, about)
    if before and before not in found and (stored := await _read(visit, before)) is not None:
        found[before] = _compared(visit, about, stored, "before")
    site = await find_organisation(visit.hub.database.reader, visit.caller.organisation_slug)
    for like in await match(record.connection, record.visibility, new_patient(about, site)):
        stored = like.candidate.stored
        if stored.custodian == own and stored.id not in found:
            record.disclosed.append(stored)
            found[stored.id] = _compared(visit, about, stored, like.grade.code)
    return list(found.values())


async def _page(visit: Visit, disc: Disc, about: DiscPatient, *, problem: str = "") -> Page:
    reader = visit.hub.database.reader
    typed = visit.web.query_params.get("q", "").strip()[:200]
    images = await images_on(reader, disc.number)
    left = images.get((about.number, QUARANTINED), 0)
    chosen = await _read(visit, about.patient) if about.patient else None
    values: dict[str, Any] = {
        "disc": disc,
        "one": about,
        "studies": of_patient(await studies_on(reader, disc.number), about),
        "left": left,
        "candidates": await _candidates(visit, about, typed) if about.state == WAITING else [],
        "chosen": _compared(visit, about, chosen, "") if chosen is not None else None,
        "q": typed,
        "born": iso_date(about.birth_date),
        "sex": GENDERS.get(about.sex, "unknown"),
        "days": visit.hub.settings.media_days,
        "problem": problem,
    }
    return Page("media_patient.html", values, 409 if problem == "late" else 400 if problem else 200)


async def patient_of_disc(request: Request) -> Response:
    """Show what a disc says of a patient, and the site's Patients who may be meant."""

    async def work(visit: Visit) -> Page:
        disc = await disc_of(visit)
        return await _page(visit, disc, await _one(visit, disc))

    return await view(request, "media", work)


async def _shown(visit: Visit, disc: Disc, about: DiscPatient, decision: Decision) -> Shown:
    """Return what is shown before a decision counts.

    Raises:
        InvalidValue: there is no such decision.
        NotFound: the Patient does not exist for the caller.
    """
    t = words(language_of(visit.web))
    if decision.act not in ACTS:
        raise InvalidValue("This is none of the decisions", "act")
    facts = [
        ("entries.fact_disc", disc.title),
        ("entries.fact_one", f"{_name(about)} {iso_date(about.birth_date)} {about.patient_id}".strip()),
    ]
    if decision.act == PATIENT:
        stored = await _read(visit, decision.patient)
        if stored is None:
            raise NotFound("There is no such Patient")
        compared = _compared(visit, about, stored, "")
        who = compared.who
        facts.append(("entries.fact_other", f"{who.name} {who.birth_date} {' '.join(who.numbers)}".strip()))
        conflicts = [t(f"media.{name}") for name in ("birth_differs", "sex_differs") if getattr(compared, name)]
        facts.append(("entries.fact_conflict", "、".join(conflicts)))
    facts.append(("entries.fact_act", t(f"media.do_{decision.act}")))
    return Shown(kind="media", facts=facts, back=f"/media/{disc.number}/patients/{about.number}", page="media")


def _name(about: DiscPatient) -> str:
    return (about.ideographic or about.alphabetic or about.phonetic).replace("^", " ").strip()


async def decide_patient(request: Request) -> Response:
    """Carry out a decision, once it was shown once more."""

    async def work(visit: Visit) -> Page | Response:
        disc = await disc_of(visit)
        about = await _one(visit, disc)
        decision = Decision(one(visit.form, "act"), one(visit.form, "patient")[:64])
        try:
            shown = await _shown(visit, disc, about, decision)
            if not is_confirmed(visit, shown):
                return await ask(visit, shown)
            made = f"disc {disc.number} patient {about.number}"
            visit.fhir.settle = settling(
                *(visit.hub, visit.caller, shown.kind, said(visit, shown)),
                made=f"{made} Patient/{decision.patient}" if decision.patient else made,
                patient=decision.patient,
                responsible=await responsible_of(visit, shown.page),
            )
            await decide(visit.fhir, disc, about, decision)
        except InvalidValue as error:
            return await _page(visit, disc, about, problem=error.expression or "act")
        except Conflict:
            return await _page(visit, disc, await _one(visit, disc), problem="late")
        return moved(f"/media/{disc.number}?done={decision.act}")

    return await view(request, "media", work, interaction="media-decision", action="U")
