"""What an instance that is no image says, as one FHIR resource: a report, a dose, a document.

A structured report is a DiagnosticReport, a dose report an Observation, a file and a selection of key images a
DocumentReference. Each leads to the instance by its address at the DICOMweb service, where its bytes are as they came.
https://hl7.org/fhir/R4/diagnosticreport.html, https://hl7.org/fhir/uv/radiation-dose-summary/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from app.imaging.imaging_study import URI, identifiers, started, stated
from app.imaging.patient import printable
from app.imaging.reports.codes import SYSTEMS, Json, concept
from dicom.concept import Code
from dicom.indexing import Facts
from dicom.json_model import instance_path
from dicom.reports.content import Report, read_report
from dicom.reports.dose import Dose, Quantity, read_dose
from dicom.reports.encapsulated import DOCUMENT_TAG, read_encapsulated
from dicom.reports.key_images import key_images
from dicom.reports.kinds import Kind, kind_of
from dicom.reports.lines import conclusion, plain
from dicom.reports.values import Model
from dicom.values import is_uid

MAPPING = 1
"""Counts up when instances are mapped otherwise: what the mapping before has made is then due to be made anew."""

STUDY_REPORT = Code("18748-4", "LN", "Diagnostic imaging study")
DOSE_REPORT = Code("73569-6", "LN", "Radiation exposure and protection information")
CTDIVOL = Code("113830", "DCM", "Mean CTDIvol")
"""Of the event where it is largest."""

EVENT_UID = Code("113769", "DCM", "Irradiation Event UID")
MOST_EVENT_UIDS = 100
"""Irradiations that an Observation names, by which reports that count the same are known; the first of a report."""

DICOM = "application/dicom"
MOST_OF_NARRATIVE = 20_000
"""Characters of a report that are kept as the narrative; the rest is read in the instance."""

_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
_UNITS = SYSTEMS["UCUM"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instance belongs."""

    subject: str
    """Reference to its Patient."""
    study: str
    """Reference to its ImagingStudy."""
    requests: Sequence[str]
    """References to the ServiceRequests of its study."""
    root: str
    """The address of the DICOMweb service."""


def resource(facts: Facts, model: Model, place: Place) -> Json | None:
    """Return what an instance says as a resource; None for an image, and for what says nothing by itself.

    Args:
        facts: Of the instance.
        model: Its DICOM JSON.
        place: Where it belongs.
    """
    make = {
        Kind.REPORT: _report,
        Kind.DOSE: _dose,
        Kind.DOCUMENT: _document,
        Kind.KEY_IMAGES: _key_images,
    }.get(kind_of(facts.instance.sop_class_uid))
    found = make(facts, model, place) if make else None
    return stated(found) if found else None


def address(facts: Facts, place: Place) -> str:
    """Return where the instance is had as it came."""
    uids = facts.study.study_instance_uid, facts.series.series_instance_uid, facts.instance.sop_instance_uid
    return f"{place.root}/{instance_path(*uids)}"


def _identifiers(facts: Facts) -> list[Json]:
    return identifiers(facts.instance.sop_instance_uid, facts.study)


def _references(links: Sequence[str]) -> list[Json]:
    return [{"reference": link} for link in links]


def _issued(facts: Facts, report: Report) -> str | None:
    """Return when a report was made, if that is an instant."""
    found = started(report.date, report.time, facts.study.timezone_offset_from_utc) if report.time else None
    return found if found and "T" in found else None


def _when(facts: Facts, report: Report) -> str | None:
    study = facts.study
    offset = study.timezone_offset_from_utc
    return started(study.study_date, study.study_time, offset) or started(report.date, report.time, offset)


def _status(report: Report) -> str:
    """Return the status by the flags of PS3.3 C.17.2: what nobody has verified is preliminary."""
    if not (report.is_complete and report.is_verified):
        return "preliminary"
    return "amended" if report.predecessors else "final"


def _narrative(text: str) -> Json:
    lines = "".join(f"<p>{escape(line, quote=False)}</p>" for line in _printable(text)[:MOST_OF_NARRATIVE].split("\n"))
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>'}


def _printable(text: str) -> str:
    """Return a text as FHIR allows it, its lines kept."""
    return "\n".join(found for line in text.split("\n") if (found := printable(line.replace("\t", " "))))


def _report(facts: Facts, model: Model, place: Place) -> Json:
    report = read_report(model)
    return {
        "resourceType": "DiagnosticReport",
        "text": _narrative(plain(report) or STUDY_REPORT.meaning),
        "identifier": _identifiers(facts),
        "basedOn": _references(place.requests),
        "status": _status(report),
        "category": [{"coding": [{"system": _SECTIONS, "code": "RAD"}]}],
        "code": concept(report.root.concept, STUDY_REPORT),
        "subject": {"reference": place.subject},
        "effectiveDateTime": _when(facts, report),
        "issued": _issued(facts, report),
        "resultsInterpreter": [{"display": name} for one in report.verified_by if (name := printable(one.name))],
        "imagingStudy": [{"reference": place.study}],
        "conclusion": _printable(conclusion(report))[:MOST_OF_NARRATIVE],
        "presentedForm": [
            {
                "contentType": DICOM,
                "url": address(facts, place),
                "title": printable(report.title) or STUDY_REPORT.meaning,
            }
        ],
    }


def _dose(facts: Facts, model: Model, place: Place) -> Json:
    report = read_report(model)
    return {
        "resourceType": "Observation",
        "identifier": _identifiers(facts),
        "basedOn": _references(place.requests),
        "partOf": [{"reference": place.study}],
        # No person verifies what a modality counts.
        "status": "final" if report.is_complete else "preliminary",
        "category": [{"coding": [{"system": _CATEGORIES, "code": "imaging"}]}],
        "code": concept(DOSE_REPORT, DOSE_REPORT),
        "subject": {"reference": place.subject},
        "effectiveDateTime": _when(facts, report),
        "issued": _issued(facts, report),
        "component": _components(read_dose(report)),
    }


def _components(dose: Dose) -> list[Json]:
    named = [(Code(one.code, "DCM", one.meaning), one.of, one.quantity) for one in dose.totals]
    largest = dose.largest("ctdivol")
    if largest is not None:
        named.append((CTDIVOL, "", largest))
    activities = [one.numbers["activity"] for one in dose.events if "activity" in one.numbers]
    named += [(Code("113507", "DCM", "Administered activity"), "", one) for one in activities[:20]]
    uids = dict.fromkeys(printable(one.texts.get("uid", "")) for one in dose.events)
    events = [{"code": concept(EVENT_UID, EVENT_UID), "valueString": uid} for uid in uids if is_uid(uid)]
    return [*(_component(*one) for one in named), *events[:MOST_EVENT_UIDS]]


def _component(code: Code, of: str, quantity: Quantity) -> Json:
    found = concept(code, DOSE_REPORT)
    if of:
        found["text"] = f"{found.get('text', code.value)} ({printable(of)})"
    unit = printable(quantity.unit)
    value: Json = {"value": float(quantity.value)}
    if unit:
        value |= {"unit": unit}
        if not any(one.isspace() for one in unit):
            value |= {"system": _UNITS, "code": unit}
    return {"code": found, "valueQuantity": value}


def _reference(facts: Facts, place: Place, report: Report, title: str, kind: Code, *more: Json) -> Json:
    uid = f"urn:oid:{facts.instance.sop_instance_uid}"
    form = {"system": URI, "code": f"urn:oid:{facts.instance.sop_class_uid}"}
    attachment = {"contentType": DICOM, "url": address(facts, place), "title": title}
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": URI, "value": uid},
        "identifier": _identifiers(facts),
        "status": "current",
        "type": concept(kind, STUDY_REPORT),
        "category": [{"coding": [{"system": _SECTIONS, "code": "RAD"}]}],
        "subject": {"reference": place.subject},
        "date": _issued(facts, report),
        "description": title,
        "content": [{"attachment": stated(attachment), "format": form}, *more],
        "context": {"related": _references([place.study, *place.requests])},
    }


def _document(facts: Facts, model: Model, place: Place) -> Json:
    report, found = read_report(model), read_encapsulated(model)
    title = printable(found.title)
    media_type = printable(found.media_type)
    url = f"{address(facts, place)}/bulkdata/{DOCUMENT_TAG}"
    inner: Any = {"attachment": {"contentType": media_type, "url": url} | ({"title": title} if title else {})}
    return _reference(facts, place, report, title, found.concept, *([inner] if media_type else []))


def _key_images(facts: Facts, model: Model, place: Place) -> Json | None:
    report = read_report(model)
    found = key_images(report)
    if found.is_manifest or found.is_rejection:
        return None
    title = _printable(found.description).replace("\n", " ") or printable(found.title.meaning)
    return _reference(facts, place, report, title, found.title)
