"""PID and what follows it in ADT-00: Patient, RelatedPerson, Coverage, AllergyIntolerance, Observation.

ConceptMaps segment-pid-to-patient, segment-adt-00-*.
"""

from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir import allergy, coverage, encounter, observation
from app.exchange.hl7v2.to_fhir.coded import concept, concept_of, identity
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Entry
from app.exchange.hl7v2.to_fhir.moments import day, moment_of
from app.exchange.hl7v2.to_fhir.people import addresses, contacts, names
from app.exchange.hl7v2.to_fhir.systems import TERMINOLOGY

GENDERS = {"M": "male", "F": "female", "O": "other", "A": "other", "U": "unknown", "N": "other"}
"""HL7 table 0001."""

_MARRIED = {
    "A": "A",
    "D": "D",
    "M": "M",
    "S": "S",
    "W": "W",
    "C": "C",
    "G": "M",
    "P": "T",
    "R": "T",
    "U": "UNK",
    "T": "UNK",
}
_SELF = frozenset({"SEL", "本人"})


def draw(draft: Draft) -> None:
    """Make what a message of a patient's basic data says."""
    message = draft.message
    for segment in message.all("NK1"):
        _draw_related(draft, segment)
    for segment in message.all("IN1"):
        coverage.draw(draft, segment)
    for segment in message.all("AL1"):
        allergy.draw_row(draft, segment)
    observation.draw_rows(draft, message.all("OBX"), observation.Of(at=draft.occurred))
    for segment in message.all("DB1"):
        _draw_disability(draft, segment)
    visit = message.first("PV1")
    if visit is not None and visit.text(19):
        encounter.draw(draft)


def draw_patient(draft: Draft, pid: Segment) -> None:
    """Make the Patient: of a message of basic data all that is known, of any other what names the patient."""
    if draft.kind == "ADT-00":
        contacts_of_self = [_contact(each) for each in draft.message.all("NK1") if _is_self(each)]
        content = {**_content(draft, pid), "contact": contacts_of_self}
        draft.add(draft.patient, content, identifiers=_other_numbers(draft, pid))
        return
    # Hundreds of files of a patient repeat the same row.
    place = ("PID", f"{draft.patient.system} {pid.line}")
    known = draft.source.memory.get(place)
    if known is not None:
        draft.entries.append(Entry(draft.patient, known, "mention"))
        return
    reported = len(draft.findings)
    draft.add(draft.patient, _content(draft, pid), identifiers=_other_numbers(draft, pid), action="mention")
    if len(draft.findings) == reported:
        draft.source.remember(place, draft.entries[-1].resource)


def _content(draft: Draft, pid: Segment) -> dict[str, Any]:
    born, sex = _born_and_sex(draft, pid)
    return {
        "active": True,
        "name": names(pid, 5),
        "telecom": contacts(pid, 13, 14),
        "gender": sex,
        "birthDate": born,
        "address": addresses(pid, 11),
        "maritalStatus": _married(pid),
        "managingOrganization": {"reference": f"Organization/{draft.source.custodian}"},
        **_deceased(draft, pid),
    }


def _other_numbers(draft: Draft, pid: Segment) -> list[dict[str, str]]:
    return [
        {"system": draft.source.local(each.text(4) or each.text(5) or "number"), "value": each.text(1)}
        for each in pid.repetitions(3)[1:]
        if each.text(1)
    ]


def _born_and_sex(draft: Draft, pid: Segment) -> tuple[str, str]:
    born, sex = pid.text(7), pid.text(8).upper()
    if born.upper() in GENDERS and sex[:4].isdigit():
        draft.report(
            pid, 7, f"PID-7 says {born!r} and PID-8 {sex!r}: date of birth and sex are exchanged; neither is taken"
        )
        return "", ""
    if sex and sex not in GENDERS:
        draft.report(pid, 8, f"{sex!r} is no sex of HL7 table 0001")
    return day(moment_of(draft, pid, 7)), GENDERS.get(sex, "unknown" if sex else "")


def _married(pid: Segment) -> dict[str, Any]:
    code = _MARRIED.get(pid.text(16), "")
    if not code:
        return {}
    system = "v3-NullFlavor" if code == "UNK" else "v3-MaritalStatus"
    return {"coding": [{"system": f"{TERMINOLOGY}{system}", "code": code}]}


def _deceased(draft: Draft, pid: Segment) -> dict[str, Any]:
    died = moment_of(draft, pid, 29)
    if died:
        return {"deceasedDateTime": died}
    return {"deceasedBoolean": True} if pid.text(30) == "Y" else {}


def _is_self(segment: Segment) -> bool:
    return segment.text(3, 1) in _SELF or segment.text(3, 2) in _SELF


def _contact(segment: Segment) -> dict[str, Any]:
    """Return a Patient.contact: where the patient is reached at work, as NK1 of the patient says."""
    works_at = segment.text(13)
    return present(
        {
            "relationship": [{"text": segment.text(3, 2) or segment.text(3, 1)}],
            "name": next(iter(names(segment, 2)), {}),
            "telecom": contacts(segment, 5, 6),
            "address": next(iter(addresses(segment, 4)), {}),
            "organization": {"display": works_at} if works_at else {},
        }
    )


def _draw_related(draft: Draft, segment: Segment) -> None:
    if _is_self(segment) or not segment.repetitions(2):
        return
    relation = segment.repetitions(3)
    content = {
        "active": True,
        "patient": draft.subject,
        "relationship": [concept(relation[0], draft.source)] if relation else [],
        "name": names(segment, 2),
        "telecom": contacts(segment, 5, 6),
        "gender": GENDERS.get(segment.text(15), ""),
        "birthDate": day(moment_of(draft, segment, 16)),
        "address": addresses(segment, 4),
    }
    told = relation[0].text(1) if relation else ""
    draft.add(draft.own("RelatedPerson", "NK1", told, segment.text(2, 1), segment.text(2, 2)), content)


def _draw_disability(draft: Draft, segment: Segment) -> None:
    code = segment.repetitions(3)
    what = concept_of(segment, 3, draft.source) or {"text": "障害"}
    content = {
        "status": "final",
        "code": {"coding": [{"system": draft.source.system_of("HL70334"), "code": segment.text(2)}], "text": "障害"}
        if segment.text(2)
        else {"text": "障害"},
        "subject": draft.subject,
        "effectiveDateTime": draft.occurred,
        "valueBoolean": segment.text(4) == "Y" if not code else None,
        "valueCodeableConcept": what if code else {},
    }
    draft.add(draft.own("Observation", "DB1", segment.text(2), identity(code[0]) if code else ""), content)
