"""From the consent desk's form to a FHIR Consent.

https://hl7.org/fhir/R4/consent.html, https://profiles.ihe.net/ITI/PCF/. 一括, 施設リスト and 施設間 are all said by the
two lists: whose data, and who may see them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from app.access.directory import Organisation
from app.consent.parties import ACCOUNT_SYSTEM
from app.consent.provisions import CATEGORY_SYSTEM
from app.portal.forms import Form, one
from fhir.errors import InvalidValue
from fhir.store.categories import Category
from fhir.store.labels import ACT_CODE, CONFIDENTIALITY

HL7 = "http://terminology.hl7.org/CodeSystem"
ROLE_SYSTEM = f"{HL7}/v3-ParticipationType"

CATEGORIES = tuple(
    category.name.lower().replace("_", "-")
    for category in Category
    if category not in (Category.DIRECTORY, Category.AUDIT, Category.OTHER)
)
"""The kinds of data that the form offers."""

LABELS = ("PSY", "SUD", "HIV", "STD", "SDV", "ETH", "SCA")
"""The sensitive kinds that the form can open, HL7 v3 ActCode; what is not opened stays closed."""

NORMAL = {"system": CONFIDENTIALITY, "code": "N"}
"""Names the ordinary beside the labels that are opened: without it, a permit would speak of the labelled alone."""

IN_EMERGENCY = {"type": "permit", "purpose": [{"system": f"{HL7}/v3-ActReason", "code": "BTG"}]}
"""The exception of who excludes, but for break-glass."""

EFFECTS = ("permit", "deny", "emergency")
"""What the form decides; the last one excludes, but for an emergency."""

LONGEST_NAME = 200

MOST_PEOPLE = 20

RELATIONS = {
    "parent": ("PRN", "親権者"),
    "guardian": ("GUARD", "後見人"),
    "attorney": ("POWATT", "任意代理人"),
    "family": ("FAMMEMB", "家族"),
}
"""As what somebody decides in the person's place: a code of v3 RoleCode, and its words."""

REASON = "http://renkei.example/fhir/StructureDefinition/proxy-reason"
"""The extension of a performer that says why the person did not decide."""


class Incomplete(InvalidValue):
    """The form does not say enough; `expression` is the field."""


def _chosen(form: Form, name: str, known: Sequence[str]) -> list[str]:
    """Return what is chosen of a list, or nothing when the form says all.

    Raises:
        Incomplete: it says that some are chosen, and none is.
    """
    if one(form, f"{name}_all") != "some":
        return []
    found = [value for value in form.get(name, []) if value in known]
    if not found:
        raise Incomplete("Nothing is chosen", name)
    return found


def _day(form: Form, name: str) -> str:
    text = one(form, name)
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Incomplete("This is not a date", name) from error


def _actors(role: str, organisations: Sequence[Organisation], slugs: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "role": {"coding": [{"system": ROLE_SYSTEM, "code": role}]},
            "reference": {"reference": organisation.reference, "display": organisation.title},
        }
        for organisation in organisations
        if organisation.slug in slugs
    ]


def _people(form: Form) -> list[dict[str, Any]]:
    """Return the single persons who may or may not see, each by the name of the account."""
    names = dict.fromkeys(one(form, "person").replace("、", " ").replace(",", " ").split())
    if len(names) > MOST_PEOPLE:
        raise Incomplete("These are too many persons", "person")
    role = {"coding": [{"system": ROLE_SYSTEM, "code": "IRCP"}]}
    return [{"role": role, "reference": {"identifier": {"system": ACCOUNT_SYSTEM, "value": name}}} for name in names]


def _proxy(form: Form, patient: dict[str, str]) -> dict[str, Any]:
    """Return who decides, and the RelatedPerson that it is when it is not the patient.

    Raises:
        Incomplete: a proxy has a relation or a reason, and no name.
    """
    name, relation, reason = (one(form, field)[:LONGEST_NAME] for field in ("proxy", "relation", "reason"))
    kind = RELATIONS.get(one(form, "proxy_kind"))
    if not name:
        if relation or reason or kind:
            raise Incomplete("The proxy has no name", "proxy")
        return {"performer": [patient]}
    words = relation or (kind[1] if kind else "")
    concept: dict[str, Any] = {"text": words} if words else {}
    if kind:
        concept["coding"] = [{"system": f"{HL7}/v3-RoleCode", "code": kind[0]}]
    person = {"resourceType": "RelatedPerson", "id": "proxy", "patient": patient, "name": [{"text": name}]}
    performer: dict[str, Any] = {
        "reference": "#proxy",
        "type": "RelatedPerson",
        "display": f"{name}（{words}）" if words else name,
    }
    if reason:
        performer["extension"] = [{"url": REASON, "valueString": reason}]
    return {
        "contained": [{**person, **({"relationship": [concept]} if concept else {})}],
        "performer": [performer],
    }


def _provision(form: Form, care: Sequence[Organisation], permits: bool) -> dict[str, Any]:
    slugs = [organisation.slug for organisation in care]
    start, end = _day(form, "start"), _day(form, "end")
    if start and end and end < start:
        raise Incomplete("The period ends before it begins", "end")
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    actors = _actors("CST", care, _chosen(form, "discloser", slugs))
    actors += _actors("IRCP", care, _chosen(form, "receiver", slugs)) + _people(form)
    kinds = _chosen(form, "category", CATEGORIES)
    # A denial without labels closes everything it speaks of; with them it would close the labelled data alone.
    labels = [label for label in form.get("label", []) if label in LABELS] if permits else []
    return {
        "type": "permit" if permits else "deny",
        **({"period": period} if period else {}),
        **({"actor": actors} if actors else {}),
        **({"class": [{"system": CATEGORY_SYSTEM, "code": kind} for kind in kinds]} if kinds else {}),
        **({"securityLabel": [NORMAL, *({"system": ACT_CODE, "code": label} for label in labels)]} if labels else {}),
        **({"provision": [IN_EMERGENCY]} if one(form, "effect") == "emergency" else {}),
    }


def consent_of(
    form: Form, *, patient_id: str, recorder: str, care: Sequence[Organisation], now: str, source: str = ""
) -> dict[str, Any]:
    """Return the Consent that a form says.

    Args:
        form: The form's fields.
        patient_id: The id of the Patient it is recorded for.
        recorder: The reference of the site whose desk records it.
        care: The sites that hold records.
        now: The present as a FHIR dateTime.
        source: The reference of the scan of what was signed; empty when there is none.

    Raises:
        Incomplete: the form does not say enough.
    """
    if one(form, "effect") not in EFFECTS:
        raise Incomplete("Neither permit nor exclude is chosen", "effect")
    permits = one(form, "effect") == "permit"
    patient = {"reference": f"Patient/{patient_id}"}
    return {
        "resourceType": "Consent",
        **_proxy(form, patient),
        "status": "active",
        "scope": {"coding": [{"system": f"{HL7}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}]}],
        "patient": patient,
        "dateTime": now,
        "organization": [{"reference": recorder}],
        **({"sourceReference": {"reference": source}} if source else {}),
        "policyRule": {"coding": [{"system": f"{HL7}/v3-ActCode", "code": "OPTIN" if permits else "OPTOUT"}]},
        "provision": _provision(form, care, permits),
    }
