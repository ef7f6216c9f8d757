"""What tells a request or a report of imaging from others, and which images it is of: OBR-4, 18, 24, IPC-1.

HL7 2.5 section 4.5.3 and table 0074; IHE RAD TF-2, 4.4: OBR-18 holds the accession number.
"""

from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import hl7
from app.exchange.hl7v2.to_fhir.order import Asked
from app.exchange.hl7v2.to_fhir.source import Source

_SECTIONS = frozenset({"RAD", "RX", "XRC", "CT", "NMR", "NMS", "RUS", "OUS", "VUS", "CUS"})
"""Radiology, X-ray, moving pictures, CT, MR, nuclear medicine; ultrasound of radiology, obstetrics, vessels, heart."""

_EXAMINATIONS = "JJ1017"
"""How the names of the coding system of JJ1017 begin: examinations by radiation."""

_IMPRESSION_CODES = frozenset({"19005-8", "IMP"})
_IMPRESSION_WORDS = ("診断", "結論", "印象", "インプレッション", "impression", "conclusion", "diagnosis")
_WORDS = frozenset({"TX", "FT", "ST"})


def is_imaging(obr: Segment) -> bool:
    """Return whether a request is one of imaging, by the section that does it or by what is examined."""
    return obr.text(24).upper() in _SECTIONS or any(
        one.text(3).upper().startswith(_EXAMINATIONS) for one in obr.repetitions(4)
    )


def report_category(obr: Segment) -> list[dict[str, Any]]:
    """Return the category of a report of imaging: radiology, and the section that made it."""
    section = obr.text(24).upper()
    found = [hl7("v2-0074", "RAD")]
    return [*found, hl7("v2-0074", section)] if section in _SECTIONS - {"RAD"} else found


def accession_identifiers(source: Source, each: Asked) -> list[dict[str, Any]]:
    """Return the accession numbers of the images that a request is of, as identifiers."""
    stated = [each.obr.text(18)] if each.obr is not None else []
    stated += [segment.text(1) for segment in each.others if segment.name == "IPC"]
    system = source.local("accession-number")
    return [{"system": system, "value": one} for one in dict.fromkeys(stated) if one]


def conclusion(rows: Sequence[Segment]) -> str:
    """Return what a report says in words: its impression; all of its words where none is called that."""
    words = [row for row in rows if row.name == "OBX" and row.text(2) in _WORDS]
    impressions = [row for row in words if _is_impression(row)]
    lines = ["\n".join(value.text() for value in row.repetitions(5)) for row in impressions or words]
    return "\n".join(line for line in lines if line)


def _is_impression(row: Segment) -> bool:
    name = row.text(3, 2).lower()
    codes = {row.text(3, 1), row.text(3, 1, 2)}
    return not codes.isdisjoint(_IMPRESSION_CODES) or any(word in name for word in _IMPRESSION_WORDS)
