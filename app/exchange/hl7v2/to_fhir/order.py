"""ORC, OBR, TQ1: what all orders have in common.

HL7 2.5 section 4.5.1 to 4.5.4.
"""

from dataclasses import dataclass, field
from typing import Any

from app.exchange.hl7v2.message import Message, Segment
from app.exchange.hl7v2.to_fhir.draft import NO_ORDER, Draft, present
from app.exchange.hl7v2.to_fhir.moments import moment_of
from app.exchange.hl7v2.to_fhir.people import department_of
from app.exchange.hl7v2.to_fhir.source import Source

CANCELLED = frozenset({"CA", "OC", "CR"})
DISCONTINUED = frozenset({"DC", "OD", "DR"})
GONE = CANCELLED | DISCONTINUED
"""What ORC-1 says where an order is no more; HL7 table 0119."""

INSTITUTION = "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber"
DEPARTMENT = "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department"
OWN_DEPARTMENT = "urn:renkei:department"
INSTITUTION_NUMBER = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
_PRIORITIES = {"S": "stat", "A": "asap", "R": "routine", "P": "routine", "C": "urgent", "T": "urgent", "U": "urgent"}


@dataclass(slots=True)
class Asked:
    """One request of a message: its OBR, and what belongs to it."""

    obr: Segment | None
    orc: Segment | None = None
    specimen: Segment | None = None
    rows: list[Segment] = field(default_factory=list)
    others: list[Segment] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The number that the one who asked gave to the order."""
        return _first((self.orc, 2), (self.obr, 2))

    @property
    def filler(self) -> str:
        """The number that the one who did it gave."""
        return _first((self.orc, 3), (self.obr, 3))

    @property
    def control(self) -> str:
        """What is to be done with the order; ORC-1."""
        return self.orc.text(1) if self.orc else ""

    def other(self, name: str) -> Segment | None:
        """Return the first segment of another name that belongs to the request."""
        return next((each for each in self.others if each.name == name), None)


def _first(*places: tuple[Segment | None, int]) -> str:
    return next((text for segment, number in places if segment is not None and (text := segment.text(number))), "")


def asked(message: Message) -> list[Asked]:
    """Return the requests of a message in their order.

    In OUL^R22 the order follows its OBR, elsewhere it goes before; in OML^O33 and OUL^R22 a specimen goes before its
    requests, elsewhere it follows. An order without a request stands alone.
    """
    code = message.header.text(9)
    reading = _Reading(order_follows=code == "OUL", specimen_first=code == "OUL" or message.kind == "OML^O33")
    for segment in message.segments:
        reading.take(segment)
    reading.end()
    return reading.requests


@dataclass(slots=True)
class _Reading:
    """Where in a message a reader is."""

    order_follows: bool
    specimen_first: bool
    specimen: Segment | None = None
    waiting: Segment | None = None
    current: Asked | None = None
    before: list[Segment] = field(default_factory=list)
    """What goes before the OBR that it belongs to: its timing."""
    requests: list[Asked] = field(default_factory=list)

    def take(self, segment: Segment) -> None:
        """Put a segment where it belongs."""
        name = segment.name
        if name == "SPM":
            self._take_specimen(segment)
        elif name == "ORC":
            self._take_order(segment)
        elif name == "OBR":
            self._close()
            self.current = Asked(segment, self.waiting, self.specimen, others=self.before)
            self.waiting, self.before = None, []
        elif self.current is not None:
            (self.current.rows if name in {"OBX", "NTE"} else self.current.others).append(segment)
        elif name == "TQ1":
            self.before.append(segment)

    def end(self) -> None:
        """Keep what is begun."""
        self._close()
        if self.waiting is not None:
            self.requests.append(Asked(None, self.waiting))

    def _close(self) -> None:
        if self.current is not None:
            self.requests.append(self.current)
            self.current = None

    def _take_specimen(self, segment: Segment) -> None:
        if self.specimen_first:
            self._close()
            self.specimen = segment
        elif self.current is not None:
            self.current.specimen = segment

    def _take_order(self, segment: Segment) -> None:
        if self.order_follows and self.current and self.current.orc is None and not self.current.rows:
            self.current.orc = segment
            return
        self._close()
        if self.waiting is not None:
            self.requests.append(Asked(None, self.waiting))
        self.waiting, self.before = segment, []


def number_identifiers(source: Source, number: str, filler: str = "") -> list[dict[str, Any]]:
    """Return the order numbers as identifiers."""
    made = []
    if number not in NO_ORDER:
        made.append({"system": source.order_system, "value": number})
    if filler not in NO_ORDER:
        made.append({"system": source.local("filler-number"), "value": filler})
    return made


def order_reference(draft: Draft, type_: str, number: str) -> list[dict[str, Any]]:
    """Return a reference to an order by its number, in a list; none where there is no number."""
    if number in NO_ORDER:
        return []
    return [{"type": type_, "identifier": {"system": draft.source.order_system, "value": number}, "display": number}]


def belonging(draft: Draft, orc: Segment | None) -> list[dict[str, Any]]:
    """Return the extensions that say which institution and department something is of, where JP-CLINS has them.

    It has them for MedicationRequest, AllergyIntolerance, Condition and Observation.
    """
    number = {"system": INSTITUTION_NUMBER, "value": draft.source.institution}
    return [{"url": INSTITUTION, "valueIdentifier": number}, *_of_department(draft, orc, DEPARTMENT)]


def asked_by_department(draft: Draft, orc: Segment | None) -> list[dict[str, Any]]:
    """Return the extension that says which department something is of, where no profile has one."""
    return _of_department(draft, orc, OWN_DEPARTMENT)


def _of_department(draft: Draft, orc: Segment | None, url: str) -> list[dict[str, Any]]:
    unit = department_of(orc, 17, draft.source)
    return [{"url": url, "valueCodeableConcept": unit}] if unit else []


def authored(draft: Draft, orc: Segment | None) -> str:
    """Return when an order was written; when its message was, where it does not say."""
    return moment_of(draft, orc, 9) or draft.occurred


def priority(timing: Segment | None) -> str:
    """Return a request's priority by TQ1-9; empty where it has none."""
    return _PRIORITIES.get(timing.text(9)[:1], "") if timing is not None and timing.text(9) else ""


def period(draft: Draft, segment: Segment | None, start: int, end: int) -> dict[str, Any]:
    """Return a Period of two fields; empty where there is none."""
    return present({"start": moment_of(draft, segment, start), "end": moment_of(draft, segment, end)})


def gone(control: str, cancelled: str, discontinued: str) -> str:
    """Return the status of an order that is no more, empty for one that is."""
    if control in CANCELLED:
        return cancelled
    return discontinued if control in DISCONTINUED else ""
