"""The secretariat's review queue: who waits, two Patients side by side, and deciding whether they are one person."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.entries.keep import settling
from app.identity import decision
from app.identity.candidates import Candidate, read_candidates
from app.identity.decide import Grade
from app.identity.history import history
from app.identity.match import judge
from app.identity.never import apart
from app.identity.person import members, patients_of
from app.identity.queue import State, Waiting, length, pair, queue
from app.portal.confirm import Shown, ask, is_confirmed, responsible_of, said
from app.portal.dates import moment
from app.portal.forms import one as field
from app.portal.gate import Visit, moved, view
from app.portal.language import language_of, words
from app.portal.page import Page
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.portal.side_by_side import side_by_side
from app.portal.sites import read_sites
from fhir.errors import InvalidValue, NotFound

SHOWN = 30
"""Pairs on a page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair in the list."""

    waiting: Waiting
    one: Someone
    other: Someone
    since: str

    @property
    def grade(self) -> str:
        """The grade's word; `doubt` for a pair that is linked and contradicts itself."""
        return "doubt" if self.waiting.grade is Grade.NO else self.waiting.grade.code


async def _read(visit: Visit, keys: list[int]) -> dict[int, Candidate]:
    """Return Patients that exist for the caller, noted as shown."""
    record = visit.fhir.record
    found = await read_candidates(record.connection, record.visibility, list(dict.fromkeys(keys)))
    record.disclosed += [candidate.stored for candidate in found]
    return {candidate.key: candidate for candidate in found}


async def _list(visit: Visit) -> Page:
    record, parameters = visit.fhir.record, visit.web.query_params
    state = State.LATER if parameters.get("later") else State.OPEN
    after = int(parameters["after"]) if parameters.get("after", "").isdecimal() else 0
    after = min(after, 1_000_000)
    waiting = await queue(record.connection, record.visibility, state, limit=SHOWN, after=after)
    people = await _read(visit, [key for one in waiting for key in (one.one, one.other)])
    day = today(visit)
    asked = [
        Asked(
            one,
            someone(people[one.one].stored, day),
            someone(people[one.other].stored, day),
            moment(one.found).date().isoformat(),
        )
        for one in waiting
        if one.one in people and one.other in people
    ]
    values = {
        "asked": asked,
        "later": state is State.LATER,
        "total": await length(record.connection, record.visibility, state),
        "after": after,
        "shown": SHOWN,
        "sites": await read_sites(visit.hub),
        "done": parameters.get("done", ""),
    }
    return Page("identity.html", values)


async def _show(visit: Visit, one: str, other: str, *, problem: str = "", status: int = 200) -> Page:
    if one == other:
        raise NotFound("A Patient is not compared with itself")
    record = visit.fhir.record
    keys = [await decision.key_of(visit.fhir, id_) for id_ in (one, other)]
    people = await _read(visit, keys)
    if len(people) < 2:
        raise NotFound("One of the two does not exist")
    left, right = people[keys[0]], people[keys[1]]
    day = today(visit)
    persons = [await patients_of(record.connection, record.visibility, who.person) for who in (left, right)]
    record.disclosed += [patient for person in persons for patient in person]
    whole = [await members(record.connection, who.person) for who in (left, right)]
    values = {
        "one": someone(left.stored, day),
        "other": someone(right.stored, day),
        "facts": side_by_side(left.stored, right.stored),
        "match": judge(left.traits, right),
        "waiting": await pair(record.connection, *keys),
        "linked": left.person == right.person,
        "apart": bool(left.person != right.person and await apart(record.connection, *whole)),
        "others": [
            [someone(patient, day) for patient in person if patient.id not in (one, other)] for person in persons
        ],
        "events": await history(record.connection, left.key, left.person),
        "moment": moment,
        "sites": await read_sites(visit.hub),
        "problem": problem,
        "reason": field(visit.form, "reason"),
        "most_reason": decision.MOST_REASON,
    }
    return Page("identity_pair.html", values, status)


async def identity(request: Request) -> Response:
    """Show the queue, or two Patients side by side."""

    async def work(visit: Visit) -> Page:
        one, other = (visit.web.query_params.get(name, "") for name in ("one", "other"))
        return await _show(visit, one, other) if one and other else await _list(visit)

    return await view(request, "identity", work)


async def _act(visit: Visit, one: str, other: str) -> None:
    request, reason = visit.fhir, field(visit.form, "reason")
    match field(visit.form, "act"):
        case "link":
            await decision.link_patients(request, one, other, reason)
        case "never":
            await decision.never_patients(request, one, other, reason)
        case "allow":
            await decision.allow_patients(request, one, other, reason)
        case "break":
            await decision.break_patient(request, other, reason)
        case "later":
            await decision.settle_pair(request, one, other, reason, State.LATER)
        case "keep":
            await decision.settle_pair(request, one, other, reason, State.KEPT)
        case _:
            raise InvalidValue("This is none of the decisions", "act")


ACTS = ("link", "never", "allow", "break", "later", "keep")


async def _shown(visit: Visit, one: str, other: str) -> Shown:
    """Return what is shown before a decision counts.

    Raises:
        InvalidValue: there is no reason, or no such decision; or the two are one.
        NotFound: one does not exist for the caller.
    """
    act, reason, t = field(visit.form, "act"), field(visit.form, "reason"), words(language_of(visit.web))
    decision.check(visit.fhir, reason)
    if act not in ACTS:
        raise InvalidValue("This is none of the decisions", "act")
    pair_ = await decision.pair_of(visit.fhir, one, other)
    people, day = await _read(visit, [pair_.one, pair_.other]), today(visit)
    names = [f"{who.name} {who.birth_date} {who.id}" for who in (someone(one.stored, day) for one in people.values())]
    return Shown(
        kind="identity",
        facts=[
            *zip(("entries.fact_one", "entries.fact_other"), names, strict=False),
            ("entries.fact_act", t(f"identity.{act}")),
            ("entries.fact_reason", reason),
        ],
        back=f"/identity?one={one}&other={other}",
        page="identity",
    )


async def decide(request: Request) -> Response:
    """Carry out a decision, and show the queue again."""

    async def work(visit: Visit) -> Page | Response:
        one, other = field(visit.form, "one"), field(visit.form, "other")
        try:
            about = await _shown(visit, one, other)
            if not is_confirmed(visit, about):
                return await ask(visit, about)
            visit.fhir.settle = settling(
                *(visit.hub, visit.caller, about.kind, said(visit, about)),
                made=f"Patient/{one} Patient/{other}",
                responsible=await responsible_of(visit, about.page),
            )
            await _act(visit, one, other)
        except InvalidValue as error:
            if error.expression != "reason":
                raise
            return await _show(visit, one, other, problem="reason", status=400)
        return moved("/identity?done=1")

    return await view(request, "identity", work, interaction="operation", action="E")
