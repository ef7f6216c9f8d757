"""PRB, ZPR: diseases as Condition. ConceptMap segment-ppr-01-prb-to-condition; JP Core JP_Condition."""

from itertools import zip_longest
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir import coverage
from app.exchange.hl7v2.to_fhir.coded import coding, concept, hl7, identity
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.moments import compact, moment_of
from app.exchange.hl7v2.to_fhir.order import belonging
from app.exchange.hl7v2.to_fhir.people import practitioner_of
from app.exchange.hl7v2.to_fhir.systems import (
    EXCHANGE_CODE,
    EXTENSION,
    KEY_NUMBER,
    MODIFIER_EXCHANGE_CODE,
    MODIFIER_KEY_NUMBER,
    TERMINOLOGY,
)

_SUSPECTED = frozenset({"8002"})
"""Key numbers of the modifiers that make a disease a suspicion: の疑い."""

DIAGNOSIS_TYPE = "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_DiagnosisType"
RANK = "urn:renkei:diagnosis-rank"
"""How the sender ranks a disease that is not the main one."""

INDICATION = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication"


def draw(draft: Draft) -> None:
    """Make the Conditions of a message of diseases, and the insurance that each is treated under."""
    for group in draft.message.groups("PRB"):
        named = {segment.name: segment for segment in reversed(group)}
        _draw_disease(draft, named)
        for segment in group:
            if segment.name == "ZI1" and segment.text(3):
                coverage.draw(draft, segment)


def _draw_disease(draft: Draft, named: dict[str, Segment]) -> None:
    row, words, orc = named["PRB"], named.get("ZPR"), named.get("ORC")
    what = row.repetitions(3)
    title = row.text(17) or row.text(3, 2) or (words.text(2, 2) if words else "")
    if not what and not title:
        draft.report(row, 3, "the row does not name a disease; it is not taken")
        return
    onset = moment_of(draft, row, 16)
    status, abated = _course(draft, row)
    suspected = "疑" in row.text(13, 2) or row.text(13) in {"S", "P", "U"} or _is_suspicion(words)
    ranked = row.repetitions(18)
    content: dict[str, Any] = {
        "meta": _labels(row),
        "extension": [
            *belonging(draft, orc),
            *(_rank(each, draft) for each in ranked[:1]),
        ],
        "clinicalStatus": hl7("condition-clinical", status),
        "verificationStatus": hl7("condition-ver-status", "provisional" if suspected else "confirmed"),
        "category": [hl7("condition-category", "encounter-diagnosis"), *_where(draft, row)],
        "code": {"extension": _modifiers(words), "coding": _codings(draft, row, words), "text": title},
        "subject": draft.subject,
        "onsetDateTime": onset,
        "abatementDateTime": abated,
        "recordedDate": moment_of(draft, row, 7),
        "recorder": practitioner_of(orc, 12, draft.source),
        "note": [{"text": words.text(7)}] if words and words.text(7) else [],
    }
    content["code"] = present(content["code"])
    number = row.text(4) or f"{identity(what[0]) if what else title}-{compact(onset)}"
    draft.add(draft.own("Condition", number), content, action="delete" if row.text(1) == "DE" else None)


def _course(draft: Draft, row: Segment) -> tuple[str, str]:
    """Return the clinical status and when the disease ended: its outcome (HL7 table 0241), and PRB-9 or PRB-15."""
    outcome = row.text(14)
    ended = moment_of(draft, row, 9)
    if outcome in {"F", "S", "D"}:
        ended = ended or moment_of(draft, row, 15)
        return ("resolved" if outcome == "F" else "inactive"), ended
    return ("inactive" if ended else "active"), ended


def _codings(draft: Draft, row: Segment, words: Segment | None) -> list[dict[str, str]]:
    made: list[dict[str, str]] = []
    for each in row.repetitions(3):
        made.extend(concept(each, draft.source).get("coding", []))
    if words is not None:
        named = ((2, KEY_NUMBER), (5, EXCHANGE_CODE))
        for field, system in named:
            if words.text(field):
                made.append(present({"system": system, "code": words.text(field), "display": words.text(field, 2)}))
    for each in row.repetitions(10)[:1]:
        if each.text(1):
            one = coding(each.text(1), each.text(2), each.text(3) or "I10", draft.source)
            made.append({**one, **({"version": each.text(7)} if each.text(7) else {})})
    told: dict[tuple[str | None, str | None], dict[str, str]] = {}
    for one in made:
        told.setdefault((one.get("system"), one.get("code")), one)
    return list(told.values())


def _rank(value: Repetition, draft: Draft) -> dict[str, Any]:
    """Return whether the disease is the main one, as HL7 says it; any other rank as the sender does."""
    rank = concept(value, draft.source)
    if "主" not in rank.get("text", "") and value.text(1) != "1":
        return {"url": RANK, "valueCodeableConcept": rank}
    principal = {"system": f"{TERMINOLOGY}ex-diagnosistype", "code": "principal", "display": "Principal Diagnosis"}
    return {
        "url": DIAGNOSIS_TYPE,
        "valueCodeableConcept": {**rank, "coding": [principal, *rank.get("coding", [])]},
    }


def _where(draft: Draft, row: Segment) -> list[dict[str, Any]]:
    """Return whether the disease is of a stay in hospital or not, which PRB-10 says in its alternate."""
    for each in row.repetitions(10)[:1]:
        code, display, name = each.text(4), each.text(5), each.text(6)
        if code:
            return [{"coding": [coding(code, display, name, draft.source)], "text": display or code}]
    return []


def _modifiers(words: Segment | None) -> list[dict[str, Any]]:
    if words is None:
        return []
    made = []
    for name, numbers, codes in (("Prefix", 1, 4), ("Postfix", 3, 6)):
        for number, code in zip_longest(words.repetitions(numbers), words.repetitions(codes)):
            both = [*_modifier(number, MODIFIER_KEY_NUMBER), *_modifier(code, MODIFIER_EXCHANGE_CODE)]
            if both:
                text = both[0].get("display") or both[0]["code"]
                value = {"coding": both, "text": text}
                made.append({"url": f"{EXTENSION}JP_Condition_Disease{name}Modifier", "valueCodeableConcept": value})
    return made


def _modifier(value: Repetition | None, system: str) -> list[dict[str, str]]:
    if value is None or not value.text(1):
        return []
    return [present({"system": system, "code": value.text(1), "display": value.text(2)})]


def _is_suspicion(words: Segment | None) -> bool:
    return words is not None and any(
        each.text(1) in _SUSPECTED or each.text(2).endswith("疑い") for each in words.repetitions(3)
    )


def _labels(row: Segment) -> dict[str, Any]:
    """Return the labels that the row gives: HL7 table 0177, and that the patient has not been told."""
    secret = row.text(25)
    labels: dict[str, Any] = {}
    if secret in {"V", "R"}:
        labels["security"] = [{"system": f"{TERMINOLOGY}v3-Confidentiality", "code": secret}]
    if "未告知" in row.text(21, 2) or "未告知" in row.text(21):
        labels["tag"] = [{"system": INDICATION, "code": "UNINFORMED"}]
    return labels
