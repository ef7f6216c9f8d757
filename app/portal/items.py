"""From a resource to a line of the timeline: when, what, how much, and what deserves a mark.

One function for each type, in a table; a new type is a function and a line. https://hl7.org/fhir/R4/resourcelist.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.portal.dates import in_japan
from app.portal.people import body_of
from app.portal.ranges import NOBODY, Subject
from app.portal.values import concept, interpretation, people_text, quantity, reference_range, value
from fhir.store.categories import Category, category
from fhir.store.labels import SENSITIVE, UNINFORMED
from fhir.store.stored import Stored

Json = Mapping[str, Any]

KINDS = ("encounter", "document", "image", "medicine", "laboratory", "vital", "problem", "allergy", "procedure")
"""What the timeline is filtered by, in the order of the filter."""

NO_IMAGES = frozenset(("AU", "DOC", "ECG", "EEG", "FID", "HD", "KO", "PLAN", "PR", "REG", "RTPLAN", "RTSTRUCT", "SR"))
"""Modalities of series that hold no images (PS3.3 C.7.3.1.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line."""

    kind: str
    title: str
    when: str = ""
    """The FHIR date or dateTime it is shown under; empty when there is none."""
    detail: str = ""
    flag: str = ""
    """`H`, `L`, `HH`, `LL` or `A` for a result outside its range."""
    by: str = ""
    """Who did or wrote it."""
    active: bool = True
    """Whether it still holds: a problem, an allergy."""
    severe: bool = False
    type: str = ""
    id: str = ""
    custodian: int = 0
    row: int = 0
    """The row of the resource: what documents state it is known by that."""
    sensitive: bool = False
    uninformed: bool = False
    """The patient has not been told (未告知)."""
    body: Json

    @property
    def day(self) -> str:
        """The day in Japan, as exact as the resource says it."""
        return in_japan(self.when)[0]

    @property
    def time(self) -> str:
        """The time of day in Japan, or an empty text."""
        return in_japan(self.when)[1]


def _first(body: Json, *names: str) -> str:
    """Return the first of these dates that a resource has; of a Period its start."""
    for name in names:
        found = body.get(name)
        if isinstance(found, str):
            return found
        if isinstance(found, dict) and (found.get("start") or found.get("end")):
            return str(found.get("start") or found["end"])
    return ""


def _code_of(body: Json, name: str) -> str:
    codings = body.get(name, {}).get("coding", ())
    return str(codings[0].get("code", "")) if codings else ""


def _problem(body: Json) -> dict[str, Any]:
    ended = _code_of(body, "clinicalStatus") in {"inactive", "resolved", "remission"} or "abatementDateTime" in body
    end = in_japan(_first(body, "abatementDateTime", "abatementPeriod"))[0]
    note = "; ".join(str(one.get("text", "")) for one in body.get("note", ()))
    return {
        "kind": "problem",
        "when": _first(body, "onsetDateTime", "onsetPeriod", "recordedDate"),
        "title": concept(body.get("code")),
        "detail": " ".join(filter(None, [f"→ {end}" if end else "", note])),
        "active": not ended,
        "by": people_text([body.get("recorder", {})]),
    }


def _allergy(body: Json) -> dict[str, Any]:
    reactions = [concept(one) for reaction in body.get("reaction", ()) for one in reaction.get("manifestation", ())]
    return {
        "kind": "allergy",
        "when": _first(body, "onsetDateTime", "recordedDate", "lastOccurrence"),
        "title": concept(body.get("code")),
        "detail": "、".join(dict.fromkeys(reactions)),
        "severe": body.get("criticality") == "high",
        "active": _code_of(body, "clinicalStatus") not in {"inactive", "resolved"},
        "by": people_text([body.get("recorder", {})]),
    }


def _observation(body: Json) -> dict[str, Any]:
    kinds = {Category.VITAL_SIGN: "vital", Category.LABORATORY: "laboratory", Category.IMAGING: "image"}
    kind = kinds.get(category(body), "procedure")
    low_high = reference_range(body)
    return {
        "kind": kind,
        "when": _first(body, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
        "title": concept(body.get("code")),
        "detail": value(body) + (f" ({low_high})" if low_high and kind != "laboratory" else ""),
        "flag": interpretation(body),
        "by": people_text(body.get("performer", ())),
    }


def _report(body: Json) -> dict[str, Any]:
    kind = {Category.LABORATORY: "laboratory", Category.IMAGING: "image"}.get(category(body), "document")
    return {
        "kind": "laboratory" if body.get("result") and kind == "document" else kind,
        "when": _first(body, "effectiveDateTime", "effectivePeriod", "issued"),
        "title": concept(body.get("code")),
        "detail": str(body.get("conclusion", "")),
        "by": people_text(body.get("performer", ())),
    }


def _dosage(body: Json) -> str:
    lines = []
    for dosage in body.get("dosageInstruction", body.get("dosage", ())):
        if not isinstance(dosage, dict):
            continue
        text = dosage.get("text") or concept(dosage.get("timing", {}).get("code"))
        repeat = dosage.get("timing", {}).get("repeat", {})
        days = quantity(repeat.get("boundsDuration"))
        lines.append(" ".join(filter(None, [str(text), days])))
    return " / ".join(lines)


def _medicine(body: Json) -> dict[str, Any]:
    name = concept(body.get("medicationCodeableConcept")) or str(body.get("medicationReference", {}).get("display", ""))
    dates = ("authoredOn", "whenHandedOver", "whenPrepared", "effectiveDateTime", "effectivePeriod", "dateAsserted")
    return {
        "kind": "medicine",
        "when": _first(body, *dates),
        "title": name,
        "detail": _dosage(body),
        "active": body.get("status") not in {"stopped", "cancelled", "entered-in-error"},
        "by": people_text([body.get("requester", {})]),
    }


def _document(body: Json) -> dict[str, Any]:
    attachments = [one.get("attachment", {}) for one in body.get("content", ())]
    titles = [one["title"] for one in attachments if "title" in one]
    kind = concept(body.get("type"))
    title = str(body.get("description") or (titles[0] if titles else kind))
    return {
        "kind": "document",
        "when": _first(body, "date") or _first(body.get("context", {}), "period"),
        "title": title or kind,
        "detail": kind if kind != title else "",
        "by": people_text(body.get("author", ())),
        "active": body.get("status") != "superseded",
    }


def _composition(body: Json) -> dict[str, Any]:
    kind = concept(body.get("type"))
    title = str(body.get("title") or kind)
    return {
        "kind": "document",
        "when": _first(body, "date"),
        "title": title,
        "detail": kind if kind != title else "",
        "by": people_text(body.get("author", ())),
    }


def modality_of(series: Json) -> str:
    """Return the modality of a series of an ImagingStudy, or an empty text."""
    return str(series.get("modality", {}).get("code", ""))


def _image(body: Json) -> dict[str, Any]:
    modalities = [str(one.get("code", "")) for one in body.get("modality", ())]
    series = body.get("series", ())
    modalities = modalities or [modality_of(one) for one in series]
    # Reports, documents and selections of images are said by themselves, under their study.
    modalities = [one for one in modalities if one not in NO_IMAGES] or modalities
    pictures = [one for one in series if modality_of(one) not in NO_IMAGES] or series
    parts = [
        str(one["bodySite"].get("display") or one["bodySite"].get("code", "")) for one in series if "bodySite" in one
    ]
    images = sum(int(one.get("numberOfInstances", 0)) for one in pictures) or int(body.get("numberOfInstances", 0))
    return {
        "kind": "image",
        "when": _first(body, "started"),
        "title": " ".join([*dict.fromkeys(modalities), str(body.get("description", ""))]).strip() or "—",
        "detail": " ".join([*dict.fromkeys(parts), *([f"×{images}"] if images else [])]),
        "by": people_text([body.get("referrer", {})] if "referrer" in body else ()),
    }


def _encounter(body: Json) -> dict[str, Any]:
    start = _first(body, "period")
    end = in_japan(body.get("period", {}).get("end", ""))[0]
    kind = str(body.get("class", {}).get("display") or body.get("class", {}).get("code", ""))
    stay = f"→ {end}" if end and end != in_japan(start)[0] else ""
    reasons = [concept(one) for one in body.get("reasonCode", ())]
    return {
        "kind": "encounter",
        "when": start,
        "title": " ".join(filter(None, [kind, concept(body.get("serviceType"))])),
        "detail": " ".join(filter(None, [stay, "、".join(reasons)])),
        "by": people_text([one.get("individual", {}) for one in body.get("participant", ())]),
    }


def _procedure(body: Json) -> dict[str, Any]:
    return {
        "kind": "procedure",
        "when": _first(body, "performedDateTime", "performedPeriod"),
        "title": concept(body.get("code")),
        "detail": str(body.get("outcome", {}).get("text", "")),
        "by": people_text([one.get("actor", {}) for one in body.get("performer", ())]),
    }


def _immunization(body: Json) -> dict[str, Any]:
    doses = [str(one.get("doseNumberPositiveInt", "")) for one in body.get("protocolApplied", ())]
    return {
        "kind": "procedure",
        "when": _first(body, "occurrenceDateTime"),
        "title": concept(body.get("vaccineCode")),
        "detail": " ".join(f"#{one}" for one in doses if one),
        "by": people_text([one.get("actor", {}) for one in body.get("performer", ())]),
    }


TYPES: dict[str, Callable[[Json], dict[str, Any]]] = {
    "Condition": _problem,
    "AllergyIntolerance": _allergy,
    "Observation": _observation,
    "DiagnosticReport": _report,
    "MedicationRequest": _medicine,
    "MedicationDispense": _medicine,
    "MedicationAdministration": _medicine,
    "MedicationStatement": _medicine,
    "DocumentReference": _document,
    "Composition": _composition,
    "ImagingStudy": _image,
    "Encounter": _encounter,
    "Procedure": _procedure,
    "Immunization": _immunization,
}
"""By resource type; other types have no line."""

_MISTAKES = {"entered-in-error", "cancelled"}


def item(stored: Stored, who: Subject = NOBODY) -> Item | None:
    """Return the line of a stored resource, or None when it has none: an entry that was a mistake.

    Args:
        stored: The resource.
        who: Whom it is about, as far as reference ranges depend on it.
    """
    body = body_of(stored)
    if body.get("status") in _MISTAKES or _code_of(body, "verificationStatus") == "entered-in-error":
        return None
    fields = TYPES[stored.type](body)
    if stored.type == "Observation" and who is not NOBODY:
        fields["flag"] = interpretation(body, who, in_japan(fields["when"])[0])
    return Item(
        **{**fields, "title": fields["title"] or "—"},
        type=stored.type,
        id=stored.id,
        custodian=stored.custodian,
        row=stored.row,
        sensitive=bool(stored.labels & SENSITIVE),
        uninformed=bool(stored.labels & UNINFORMED),
        body=body,
    )
