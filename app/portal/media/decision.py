"""Whose the images of a disc are: what the disc says beside the site's Patients, and a person's decision."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.entries.keep import settling
from app.imaging.media.decide import ACTS, Decision, InUse, decide
from app.imaging.media.disc import PATIENT, QUARANTINED, WAITING, Disc, DiscPatient
from app.imaging.media.quarantine import patients_on
from app.imaging.media.tally import images_on, studies_on
from app.imaging.patient import GENDERS
from app.portal.confirm import Shown, ask, is_confirmed, responsible_of, said
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.language import language_of, words
from app.portal.media.candidates import candidates, compared, conflict_of, own_patient
from app.portal.media.discs import disc_of, iso_date, of_patient
from app.portal.page import Page
from fhir.errors import Conflict, InvalidValue, NotFound


async def _one(visit: Visit, disc: Disc) -> DiscPatient:
    asked = number(visit.web.path_params["patient"], digits=9)
    for found in await patients_on(visit.hub.database.reader, disc.number):
        if found.number == asked:
            return found
    raise NotFound("The disc has no such patient")


async def _page(visit: Visit, disc: Disc, about: DiscPatient, *, problem: str = "") -> Page:
    reader = visit.hub.database.reader
    typed = visit.web.query_params.get("q", "").strip()[:200]
    images = await images_on(reader, disc.number)
    left = images.get((about.number, QUARANTINED), 0)
    chosen = await own_patient(visit, about.patient) if about.patient else None
    waits = about.state == WAITING
    conflict = await conflict_of(visit, disc, about) if disc.conflict and waits else None
    beside = [one.who.id for one in (conflict.holder, conflict.numbered) if one] if conflict else []
    alike = await candidates(visit, disc, about, typed) if waits else []
    values: dict[str, Any] = {
        "disc": disc,
        "one": about,
        "studies": of_patient(await studies_on(reader, disc.number), about),
        "left": left,
        "conflict": conflict,
        "candidates": [one for one in alike if one.who.id not in beside],
        "chosen": compared(visit, about, chosen, "") if chosen is not None else None,
        "q": typed,
        "born": iso_date(about.birth_date),
        "sex": GENDERS.get(about.sex, "unknown"),
        "days": visit.hub.settings.media_days,
        "problem": problem,
    }
    return Page("media_patient.html", values, 409 if problem in ("late", "in_use") else 400 if problem else 200)


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
        ("entries.fact_stated", f"{_name(about)} {iso_date(about.birth_date)} {about.patient_id}".strip()),
    ]
    if decision.act == PATIENT:
        stored = await own_patient(visit, decision.patient)
        if stored is None:
            raise NotFound("There is no such Patient")
        beside = compared(visit, about, stored, "")
        who = beside.who
        facts.append(("entries.fact_here", f"{who.name} {who.birth_date} {' '.join(who.numbers)}".strip()))
        conflicts = [t(f"media.{name}") for name in ("birth_differs", "sex_differs") if getattr(beside, name)]
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
        except InUse:
            return await _page(visit, disc, await _one(visit, disc), problem="in_use")
        except Conflict:
            return await _page(visit, disc, await _one(visit, disc), problem="late")
        return moved(f"/media/{disc.number}?done={decision.act}")

    return await view(request, "media", work, interaction="media-decision", action="U")
