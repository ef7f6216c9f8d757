"""A40 and A47: a site says that two of its patients are one, or that one has another number.

A merge ends the Patient of MRG-1, whose place the one of PID-3 takes; records stay where they are (ITI-104 does the
same). https://profiles.ihe.net/ITI/TF/Volume2/ITI-8.html, ITI-30.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.exchange.hl7v2.message import Message, Segment
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.mllp.acknowledge import DUPLICATE_KEY, MISSING, TYPE, UNKNOWN_KEY, Answer, Problem, refused
from app.exchange.mllp.answered import carried_out
from app.exchange.mllp.numbers import Number, own_numbers, site_of, with_first
from app.exchange.mllp.patient import store_patient
from app.exchange.mllp.store import Storing, is_merged, kept, lock_patient
from app.exchange.mllp.visit import Visit
from app.identity.replaced import survivors
from app.records.writing import Writing
from fhir.exact import read
from fhir.store.stored import Stored

MOST_GROUPS = 50
"""Pairs of patients of one message."""


@dataclass(frozen=True, slots=True)
class _Group:
    """One patient of a message, and the number that is given up."""

    pid: Segment
    mrg: Segment


def _groups(message: Message) -> list[_Group]:
    """Return the patients of a message, each with its MRG.

    Raises:
        Hl7Error, Refused: one has none, or there are too many.
    """
    message.required("PID")
    message.required("MRG")
    found = []
    for group in message.groups("PID"):
        mrg = next((one for one in group if one.name == "MRG"), None)
        if mrg is None:
            raise refused(MISSING, "MRG is missing", "MRG", group[0].index)
        found.append(_Group(group[0], mrg))
    if len(found) > MOST_GROUPS:
        raise refused(TYPE, f"A message merges at most {MOST_GROUPS} patients", "PID", len(found))
    return found


def _only(message: Message, group: _Group) -> Message:
    """Return a message that has one patient only."""
    named = {**message.named, "PID": (group.pid,), "MRG": (group.mrg,)}
    segments = tuple(one for one in message.segments if one.name not in ("PID", "MRG") or one in (group.pid, group.mrg))
    return Message(segments, message.separators, message.charset, message.findings, message.replaced, named)


async def _given_up(storing: Storing, mrg: Segment) -> tuple[Number, Stored]:
    """Return the Patient whose number is given up.

    Raises:
        Refused: the site has none.
    """
    visit = storing.visit
    numbers = await own_numbers(storing.writing.connection, visit.message, visit.source, mrg, 1)
    await lock_patient(storing, numbers[0].system, numbers[0].value)
    found = await storing.current(Key("Patient", numbers[0].system, numbers[0].value))
    if found is None:
        raise refused(UNKNOWN_KEY, "The site has no patient of this number", "MRG", mrg.index, 1)
    return numbers[0], found


async def merge(visit: Visit) -> Answer:
    """Let the Patients of PID take the place of those of MRG.

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing was written.
        Again: it was carried out before.
    """

    async def work(writing: Writing) -> Sequence[Problem]:
        warnings: list[Problem] = []
        staying: dict[str, Stored] = {}
        for group in _groups(visit.message):
            warnings += await _merged(Storing(visit, writing), _only(visit.message, group), group, staying)
        return warnings

    return await carried_out(visit, work)


async def _merged(storing: Storing, message: Message, group: _Group, staying: dict[str, Stored]) -> Sequence[Problem]:
    """Gather one merge; `staying` are the Patients of the message that others are merged into."""
    visit, writing = storing.visit, storing.writing
    ended, subsumed = await _given_up(storing, group.mrg)
    numbers = await own_numbers(writing.connection, message, visit.source, group.pid, 3)
    if (ended.system, ended.value) in {(one.system, one.value) for one in numbers}:
        raise refused(DUPLICATE_KEY, "A patient is not merged into itself", "MRG", group.mrg.index, 1)
    message = with_first(message, group.pid, 3, numbers[0].repetition)
    mapped = resources(message, site_of(visit.request.hub, visit.source, numbers[0]))
    survivor = staying.get(mapped.patient.reference)
    if survivor is None:
        survivor = await store_patient(storing, mapped, message.required("PID"), numbers, updates=True)
        staying[mapped.patient.reference] = survivor
    if survivor.row == subsumed.row:
        # Two of its numbers: of the institution, and of another domain of the site.
        raise refused(DUPLICATE_KEY, "A patient is not merged into itself", "MRG", group.mrg.index, 1)
    storing.patient_key = survivor.patient_key
    reference = f"Patient/{survivor.id}"
    tree = read(subsumed.body)
    already = [one.get("reference") for one in survivors(tree)]
    if already and already != [reference]:
        raise refused(UNKNOWN_KEY, "The patient was merged into another already", "MRG", group.mrg.index, 1)
    if not already:
        link = [*tree.get("link", ()), {"other": {"reference": reference}, "type": "replaced-by"}]
        await storing.put({**tree, "active": False, "link": link}, subsumed)
    return await kept(storing, mapped.findings)


async def change_number(visit: Visit) -> Answer:
    """Give the Patient of MRG-1 the number of PID-3 (A47).

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing was written.
        Again: it was carried out before.
    """

    async def work(writing: Writing) -> Sequence[Problem]:
        (group, *others) = _groups(visit.message)
        if others:
            raise refused(TYPE, "One patient's number is changed by a message", "PID", 2)
        storing = Storing(visit, writing)
        before, patient = await _given_up(storing, group.mrg)
        if is_merged(patient):
            raise refused(UNKNOWN_KEY, "The patient was merged into another", "MRG", 1, 1)
        storing.patient_key = patient.patient_key
        numbers = await own_numbers(writing.connection, visit.message, visit.source, group.pid, 3)
        after = next((one for one in numbers if one.system == before.system), numbers[0])
        await lock_patient(storing, after.system, after.value)
        taken = await storing.current(Key("Patient", after.system, after.value))
        if taken is not None and taken.row != patient.row:
            raise refused(DUPLICATE_KEY, "Another patient of the site has this number: merge them", "PID", 1, 3)
        await storing.put(_renumbered(read(patient.body), before, after), patient)
        return await kept(storing)

    return await carried_out(visit, work)


def _renumbered(tree: dict[str, object], before: Number, after: Number) -> dict[str, object]:
    """Return a Patient whose number is another; those of other systems stay."""
    stated = tree.get("identifier", [])
    identifiers: list[object] = []
    assert isinstance(stated, list)  # noqa: S101 - what is stored has the structure of R4
    for one in stated:
        same = (one.get("system"), one.get("value")) == (before.system, before.value)
        identifiers.append({**one, **after.identifier} if same else one)
    return {**tree, "identifier": identifiers}
