"""The Composition of an International Patient Summary: its sections, each with a narrative and its entries.

https://hl7.org/fhir/uv/ips/StructureDefinition-Composition-uv-ips.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.documents.choosing import Chosen
from fhir.documents.facts import Resource
from fhir.documents.narrative import EMPTY, div, left_out, paragraph, table
from fhir.documents.rows import Row, Terms, date, row
from fhir.documents.words import Language

_LOINC = "http://loinc.org"
_EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_REASONS = {"unavailable": "Unavailable", "nilknown": "Nil Known"}

TYPE = {"coding": [{"system": _LOINC, "code": "60591-5", "display": "Patient summary Document"}]}
"""What a patient summary is coded with."""

TITLE: Mapping[Language, str] = {"ja": "国際患者サマリー", "en": "International Patient Summary"}


@dataclass(frozen=True, slots=True)
class Part:
    """A section as people read it."""

    chosen: Chosen
    title: str
    rows: Sequence[Row]
    note: str
    """What is said below its lines, or instead of them; empty for nothing."""


def parts(chosen: Sequence[Chosen], names: Mapping[str, Resource], terms: Terms, language: Language) -> list[Part]:
    """Return the sections in words.

    Args:
        chosen: What stands in them.
        names: From a reference, `Medication/1`, to the resource that it means.
        terms: By which concepts are named in the language.
        language: Of titles and headings; the content is in the sender's language where nothing else is known.
    """
    made = []
    for one in chosen:
        rows = [row(fact, names, terms, language) for fact in one.facts]
        note = left_out(len(rows), language) if one.more else ""
        made.append(Part(one, one.section.title[language], rows, note if rows else _why(one, language)))
    return made


def composition(parts: Sequence[Part], *, now: str, language: Language) -> dict[str, Any]:
    """Return the Composition, without id, subject and author.

    Args:
        parts: The sections. Their entries are references by type and id.
        now: When the summary is made, a dateTime with seconds and zone.
        language: Of the title.
    """
    return {
        "resourceType": "Composition",
        "language": language,
        "text": {"status": "generated", "div": div(f"<p>{TITLE[language]}</p>", language)},
        "status": "final",
        "type": TYPE,
        "date": now,
        "title": TITLE[language],
        "section": [_section(part, language) for part in parts],
    }


def _why(chosen: Chosen, language: Language) -> str:
    """Return why a section is empty, and who says so, and when."""
    said = []
    for held in chosen.nothing:
        when = date(held.resource)
        said.append(", ".join(filter(None, (held.source, when))))
    by = "; ".join(dict.fromkeys(filter(None, said)))
    return EMPTY[chosen.reason, language] + (f" ({by})" if by else "")


def _section(part: Part, language: Language) -> dict[str, Any]:
    section = part.chosen.section
    code = {"coding": [{"system": _LOINC, "code": section.code, "display": section.display}]}
    head = {"title": part.title, "code": code}
    if part.rows:
        return head | {
            "text": {"status": "generated", "div": table(part.rows, language, part.note)},
            "entry": [{"reference": fact.first.link} for fact in part.chosen.facts],
        }
    reason = part.chosen.reason
    coding = {"system": _EMPTY_REASON, "code": reason, "display": _REASONS[reason]}
    return head | {
        "text": {"status": "generated", "div": paragraph(part.note, language)},
        "emptyReason": {"coding": [coding]},
    }
