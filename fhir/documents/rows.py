"""A line of a summary for each fact: what it is called, what is said of it, when, and by whom.

The narrative, the page and the printed summary show the same lines.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Protocol

from fhir.documents.facts import NAMING, Fact, Resource, codes
from fhir.documents.words import Language, word
from fhir.store.labels import SENSITIVE, UNINFORMED

_JAPAN = timezone(timedelta(hours=9))
_NAMES = (*NAMING[:3], "medicationReference", "device", "description", "title", "type")
_DOSAGES = ("dosage", "dosageInstruction")
_PAIRS = (("low", "–", "high"), ("numerator", ":", "denominator"), ("start", "–", "end"))
"""Range, Ratio and Period: the two elements, and what is written between them."""
_DATES = (
    *("effective", "performed", "occurrence", "onset", "authoredOn", "whenHandedOver", "whenPrepared", "timing"),
    *("period", "date", "recordedDate", "recordedOn", "issued", "created", "dateAsserted"),
)
_MARKS: Mapping[Language, tuple[str, str]] = {
    "ja": ("【未告知】", "【機微】"),
    "en": ("[patient not told]", "[sensitive]"),
}
"""What marks a fact that the patient has not been told, and one that is sensitive."""


class Terms(Protocol):
    """What is known of terminology, in one language."""

    def called(self, system: str, code: str) -> str:
        """Return what a code is called; empty when that is not known in the language."""
        ...

    def translations(self, system: str, code: str) -> list[dict[str, str]]:
        """Return the codings in other systems that mean the same."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A line."""

    name: str
    details: str
    date: str
    """As exact as the resource says it, in Japan's time."""
    source: str
    """The sites that state it."""


def row(fact: Fact, names: Mapping[str, Resource], terms: Terms, language: Language) -> Row:
    """Return the line of a fact.

    Args:
        fact: What the summary holds.
        names: From a reference, `Medication/1`, to the resource that it means.
        terms: By which concepts are named in the language, beside the sender's own words.
        language: That of the summary.
    """
    writer = _Writer(names, terms, language)
    resource = fact.first.resource
    details = "; ".join(dict.fromkeys(filter(None, writer.details(resource))))
    told = f"{writer.marks(fact.labels)}{writer.name(resource)}"
    return Row(told, details, date(resource), "、".join(fact.sources))


def date(resource: Resource) -> str:
    """Return when something was, or when it was written down; empty when it does not say."""
    for element in _DATES:
        for key, value in resource.items():
            if not key.startswith(element):
                continue
            if isinstance(value, str):
                return _in_japan(value)
            if isinstance(value, dict) and ("start" in value or "end" in value):
                return f"{_in_japan(value.get('start', ''))}–{_in_japan(value.get('end', ''))}"
    return ""


def _in_japan(text: str) -> str:
    if "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone(_JAPAN) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        # At the end of the calendar, `9999-12-31T23:59:59Z` for a time without end, Japan's is not to be had.
        return text
    return f"{local:%Y-%m-%d %H:%M}"


class _Writer:
    """What the line of one resource says, in one language."""

    def __init__(self, names: Mapping[str, Resource], terms: Terms, language: Language) -> None:
        self._names = names
        self._terms = terms
        self._language = language

    def marks(self, labels: int) -> str:
        untold, sensitive = _MARKS[self._language]
        return (untold if labels & UNINFORMED else "") + (sensitive if labels & SENSITIVE else "")

    def name(self, resource: Resource) -> str:
        """Return what a resource is called; type and id where nothing names it: a line is never without a name."""
        return next(self._called(resource), f"{resource['resourceType']}/{resource.get('id', '')}")

    def _called(self, resource: Resource) -> Iterator[str]:
        for element in _NAMES:
            found = resource.get(element)
            if isinstance(found, str) and found:
                yield found
            if not isinstance(found, dict):
                continue
            link = found.get("reference", "")
            if link in self._names:
                yield from self._called(self._names[link])
            for contained in resource.get("contained", ()):
                if link == f"#{contained.get('id')}":
                    yield from self._called(contained)
            if text := found.get("display") or self._text(found):
                yield text
        for named in resource.get("deviceName", ()):
            if text := named.get("name"):
                yield text
        for listed in resource.get("category", ()):
            if text := self._text(listed):
                yield text

    def _text(self, concept: Any) -> str:
        """Return what a concept is called: in the language, with the sender's words behind it where they differ."""
        if not isinstance(concept, dict):
            return ""
        codings = concept.get("coding", ())
        shown = (concept.get("text"), *(one.get("display") for one in codings), *(one.get("code") for one in codings))
        own = str(next((text for text in shown if text), ""))
        for one in codings:
            found = self._terms.called(one.get("system", ""), one.get("code", ""))
            if found:
                return found if found == own else f"{found} ({own})"
        return own

    def _words(self, concept: Any) -> str:
        """Return what a concept with one of R4's own codes is called."""
        known = codes(concept)
        return word(min(known), self._language) if len(known) == 1 else self._text(concept)

    def details(self, resource: Resource) -> Iterator[str]:
        yield self._value(resource)
        yield from (self._words(concept) for concept in resource.get("interpretation", ()))
        for component in resource.get("component", ()):
            yield f"{self._text(component.get('code'))} {self._value(component)}"
        for element in _DOSAGES:
            yield from (dosage.get("text", "") for dosage in resource.get(element, ()))
        for reaction in resource.get("reaction", ()):
            yield from (self._text(concept) for concept in reaction.get("manifestation", ()))
        yield resource.get("conclusion", "")
        yield from self._state(resource)
        yield from (str(note.get("text", "")) for note in resource.get("note", ()))

    def _state(self, resource: Resource) -> Iterator[str]:
        if criticality := resource.get("criticality"):
            yield word(criticality, self._language)
        yield self._words(resource.get("clinicalStatus"))
        # What is only suspected must not read as known, nor a medicine that was stopped as taken.
        if "confirmed" not in codes(resource.get("verificationStatus")):
            yield self._words(resource.get("verificationStatus"))
        status = resource.get("status", "")
        if resource["resourceType"].startswith("Medication") or status in ("stopped", "on-hold", "preliminary"):
            yield word(status, self._language)

    def _value(self, element: Mapping[str, Any]) -> str:
        for key, value in element.items():
            if key.startswith("value"):
                return self._shown(value)
        return self._text(element.get("dataAbsentReason"))

    def _shown(self, value: Any) -> str:
        if isinstance(value, bool):
            return word(str(value).lower(), self._language)
        if isinstance(value, Decimal):
            return getattr(value, "text", str(value))
        if isinstance(value, str):
            return _in_japan(value) if value[:4].isdigit() else value
        if not isinstance(value, dict):
            return str(value)
        for first, sign, second in _PAIRS:
            if first in value or second in value:
                return f"{self._shown(value.get(first, ''))}{sign}{self._shown(value.get(second, ''))}"
        if "value" in value:
            unit = value.get("unit") or value.get("code", "")
            return f"{value.get('comparator', '')}{self._shown(value['value'])} {unit}".strip()
        return self._text(value)
