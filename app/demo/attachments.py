"""Attachments: reports that are text or PDF, as Binary with the DocumentReference that points to it.

https://hl7.org/fhir/R4/documentreference.html
"""

import base64
import hashlib

from app.demo.chart import LABELS_OF_DEPARTMENT, Chart, Entry, instant
from app.demo.imaging import accession
from app.demo.pdf import page
from app.demo.problems import DISEASES, current
from app.demo.terms import LOINC, Json, coding, concept
from app.demo.visits import Visit

IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"

_TYPES = {
    "progress": ("11506-3", "Progress note", "経過記録"),
    "imaging": ("18748-4", "Diagnostic imaging study", "画像診断報告書"),
}


def attachments(chart: Chart, visits: tuple[Visit, ...]) -> list[Entry]:
    """Return a progress note of the last visit as text, and a report of each image as PDF."""
    outpatient = [visit for visit in visits if not visit.inpatient]
    entries = _progress(chart, outpatient[-1]) if outpatient else []
    for number, image, day in chart.images:
        lines = [
            "画像診断報告書",
            image.description,
            f"検査日 {day.isoformat()}",
            "所見 既知の所見のほか異常なし。",
        ]
        made = _pair(chart, "imaging", number, instant(day, 17), "application/pdf", page(lines), ())
        made[0][1]["context"] = {"related": [{"identifier": _accession_number(accession(chart, number, day))}]}
        entries += made
    return entries


def _accession_number(value: str) -> Json:
    return {"type": concept(coding(IDENTIFIER_TYPES, "ACSN", "Accession ID")), "value": value}


def _progress(chart: Chart, visit: Visit) -> list[Entry]:
    # A working diagnosis that is kept from somebody must not be read in an unmarked note.
    names = [DISEASES[problem.disease].name for problem in current(chart) if not problem.tags and not problem.labels]
    text = "\n".join(
        ("S) 変わりありません。", "O) 全身状態は安定。", f"A) {'、'.join(names)}", "P) 同処方を継続。", "")
    )
    labels = LABELS_OF_DEPARTMENT.get(visit.department, ())
    return _pair(
        chart,
        "progress",
        0,
        instant(visit.day, visit.hour, visit.minute),
        "text/plain; charset=utf-8",
        text.encode(),
        labels,
    )


def _pair(
    chart: Chart,
    kind: str,
    number: int,
    when: str,
    content_type: str,
    content: bytes,
    labels: tuple[str, ...],
) -> list[Entry]:
    loinc, english, name = _TYPES[kind]
    binary, reference = chart.urn("binary", kind, number), chart.urn("attachment", kind, number)
    body = {
        "resourceType": "Binary",
        "contentType": content_type,
        "securityContext": {"reference": reference, "type": "DocumentReference"},
        "data": base64.b64encode(content).decode("ascii"),
    }
    found = chart.resource("DocumentReference", "D", kind, number, labels=labels) | {
        "status": "current",
        "docStatus": "final",
        "type": concept(coding(LOINC, loinc, english), text=name),
        "category": [concept(coding(LOINC, loinc, english), text=name)],
        "subject": chart.subject,
        "date": when,
        "author": [chart.by(chart.visits.department)],
        "custodian": chart.site.logical,
        "description": name,
        "content": [{"attachment": _attachment(binary, name, when, content_type, content)}],
    }
    return [(reference, found), (binary, body)]


def _attachment(url: str, title: str, when: str, content_type: str, content: bytes) -> Json:
    return {
        "contentType": content_type,
        "language": "ja",
        "url": url,
        "size": len(content),
        "hash": _digest(content),
        "title": title,
        "creation": when,
    }


def _digest(content: bytes) -> str:
    sha1 = hashlib.sha1(content, usedforsecurity=False)  # R4: "Hash of the data (sha-1, base64ed)"
    return base64.b64encode(sha1.digest()).decode("ascii")
