"""A site's Patient as messages tell of it: what is empty in a message is not known better there, `""` takes it away.

HL7 v2.5, 2.5.3; IHE ITI TF-2, 3.30.
"""

from collections.abc import Mapping
from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.mapped import Entry, Mapped
from app.exchange.mllp.acknowledge import UNKNOWN_KEY, refused
from app.exchange.mllp.newest import instant
from app.exchange.mllp.numbers import Number
from app.exchange.mllp.store import Storing, is_merged, lock_patient
from fhir.exact import read
from fhir.store.stored import Stored

_FIELDS = {
    "name": (5,),
    "birthDate": (7,),
    "gender": (8,),
    "address": (11,),
    "telecom": (13, 14),
    "maritalStatus": (16,),
}
"""The fields of PID that an element comes from."""

_OF_STORE = ("id", "meta", "text", "link")


def merged(current: Mapping[str, Any], new: Mapping[str, Any], pid: Segment) -> dict[str, Any]:
    """Return a Patient that says what a message says, and else what was known.

    Args:
        current: What is known.
        new: What the message says.
        pid: Its PID, whose fields may take something away.
    """
    gone = {name for name, fields in _FIELDS.items() if all(pid.deletes(each) for each in fields[:1])}
    found = {name: value for name, value in current.items() if name not in gone}
    found |= {name: value for name, value in new.items() if name not in _OF_STORE}
    stated = [*new.get("identifier", ())]
    systems = {one.get("system") for one in stated}
    found["identifier"] = [*stated, *(one for one in current.get("identifier", ()) if one.get("system") not in systems)]
    return found


async def store_patient(
    storing: Storing, mapped: Mapped, pid: Segment, numbers: list[Number], *, updates: bool
) -> Stored:
    """Write the Patient of a message, or find it where the message only names it.

    Args:
        storing: On its way.
        mapped: What the message became.
        pid: Its PID.
        numbers: The site's own numbers of the patient; by the first one it is known.
        updates: Whether the message is to tell who the patient is.

    Raises:
        Refused: the Patient was merged into another.
    """
    entry = next(one for one in mapped.entries if one.key == mapped.patient)
    await lock_patient(storing, entry.key.system, entry.key.value)
    current = await storing.current(entry.key)
    if current is not None and updates and is_merged(current):
        text = "The patient was merged into another: that one's number is used from then on"
        raise refused(UNKNOWN_KEY, text, "PID", pid.index, 3)
    stored = await _stored(storing, mapped, entry, pid, numbers, current, updates=updates)
    storing.links[entry.key.reference] = f"Patient/{stored.id}"
    return stored


async def _stored(
    storing: Storing,
    mapped: Mapped,
    entry: Entry,
    pid: Segment,
    numbers: list[Number],
    current: Stored | None,
    *,
    updates: bool,
) -> Stored:
    if current is not None:
        storing.patient_key = current.patient_key
        await storing.learn([entry.key])
        if not updates or await storing.is_late_of(entry.key, instant(mapped.occurred)):
            return current
    new = {**entry.resource, "identifier": _identifiers(entry.resource, numbers)}
    made = await storing.put(merged(read(current.body), new, pid) if current is not None else new, current)
    if current is None:
        storing.patient_key = made.patient_key
        if updates:
            await storing.is_late_of(entry.key, instant(mapped.occurred))
    return made


def _identifiers(resource: Mapping[str, Any], numbers: list[Number]) -> list[Mapping[str, Any]]:
    """Return the identifiers of a Patient: all of its site's own numbers under their systems."""
    found: list[Mapping[str, Any]] = list(resource.get("identifier", ()))
    known = {(one.get("system"), one.get("value")) for one in found}
    found += [one.identifier for one in numbers if (one.system, one.value) not in known]
    return found
