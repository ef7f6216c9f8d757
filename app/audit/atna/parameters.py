"""What an ITI-81 query asks: a range of dates, and conditions on the events within it.

https://profiles.ihe.net/ITI/TF/Supplements/IHE_ITI_Suppl_RESTful-ATNA.pdf, 3.81.4.1.2
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.errors import InvalidValue, NotSupported, UnknownParameter
from fhir.search import date

Resource = Mapping[str, Any]
Test = Callable[[Resource], bool]
Pairs = Sequence[tuple[str, str]]

DEFAULT_COUNT = 100
MOST_COUNT = 1_000
MOST_VALUES = 50
"""Values of one parameter that commas part."""

CONTROLS = frozenset({"_count", "_cursor", "_format", "_pretty", "_sort"})


@dataclass(frozen=True, slots=True)
class Asked:
    """An ITI-81 query.

    Attributes:
        begins: Microseconds since 1970 UTC.
        ends: Microseconds since 1970 UTC; outside.
        count: The most events of a page.
        patient: The one patient that is asked for, `Patient/<id>`; empty when it is none, or several.
        agent: The one agent that is asked for, as the log keeps it; empty when it is none, or several.
        tests: What every event must fulfil.
    """

    begins: int
    ends: int
    count: int
    patient: str
    agent: str
    tests: tuple[Test, ...]

    def takes(self, resource: Resource) -> bool:
        """Return whether an event fulfils every condition but that of the range."""
        return all(test(resource) for test in self.tests)


def _parts(resource: Resource, *path: str) -> list[Any]:
    """Return what lies at a path; of lists every member."""
    found: list[Any] = [resource]
    for name in path:
        below = [one.get(name) for one in found if isinstance(one, Mapping)]
        found = [each for one in below for each in (one if isinstance(one, list) else [one]) if each is not None]
    return found


def _token(found: Iterable[Any], wanted: str) -> bool:
    """Return whether a Coding, an Identifier, a code or a text is the wanted `system|code`, `|code` or `code`."""
    system, bar, code = wanted.rpartition("|")
    for one in found:
        own = one.get("system", "") if isinstance(one, Mapping) else ""
        value = one.get("code", one.get("value", "")) if isinstance(one, Mapping) else str(one)
        if (not bar or own == system) and (not code or value == code):
            return True
    return False


def _reference(found: Iterable[Any], wanted: str) -> bool:
    """Return whether a reference is the wanted one, which may be an address, a type and an id, or an id alone."""
    return any(one == wanted or one.endswith(f"/{wanted}") or wanted.endswith(f"/{one}") for one in found)


def _begins(found: Iterable[Any], wanted: str) -> bool:
    return any(str(one).casefold().startswith(wanted.casefold()) for one in found)


Match = Callable[[Iterable[Any], str], bool]

_WHERE: dict[str, tuple[Match, tuple[tuple[str, ...], ...]]] = {
    "action": (_token, (("action",),)),
    "address": (_begins, (("agent", "network", "address"),)),
    "agent": (_reference, (("agent", "who", "reference"),)),
    "agent.identifier": (_token, (("agent", "who", "identifier"),)),
    "agent-name": (_begins, (("agent", "name"),)),
    "agent-role": (_token, (("agent", "role", "coding"), ("agent", "role", "text"))),
    "altid": (_token, (("agent", "altId"),)),
    "entity": (_reference, (("entity", "what", "reference"),)),
    "entity.identifier": (_token, (("entity", "what", "identifier"),)),
    "entity-name": (_begins, (("entity", "name"),)),
    "entity-role": (_token, (("entity", "role"),)),
    "entity-type": (_token, (("entity", "type"),)),
    "outcome": (_token, (("outcome",),)),
    "patient": (_reference, (("entity", "what", "reference"), ("agent", "who", "reference"))),
    "patient.identifier": (_token, (("entity", "what", "identifier"), ("agent", "who", "identifier"))),
    "policy": (_token, (("agent", "policy"),)),
    "site": (_token, (("source", "site"),)),
    "source": (_reference, (("source", "observer", "reference"),)),
    "source.identifier": (_token, (("source", "observer", "identifier"),)),
    "subtype": (_token, (("subtype",),)),
    "type": (_token, (("type",),)),
    "_id": (_token, (("id",),)),
    "_source": (_begins, (("meta", "source"),)),
}
"""By parameter: how a value is compared, and with what."""

_SAME = {"user": "agent.identifier", "entity-id": "entity.identifier", "agent:identifier": "agent.identifier"}
_SAME |= {f"{name}:identifier": f"{name}.identifier" for name in ("entity", "patient", "source")}

PARAMETERS = (*_WHERE, *_SAME, "date")


def _test(name: str, text: str, also: Sequence[str]) -> Test:
    """Return the test of one parameter; any of the values that commas part will do, or of the references in `also`."""
    match, places = _WHERE[name]
    values = [one for one in text.split(",") if one]
    if not values or len(values) > MOST_VALUES:
        raise InvalidValue(f"{name} has 1 to {MOST_VALUES} values", name)
    if name == "patient":
        values = [one if "/" in one else f"Patient/{one}" for one in values]

    def test(resource: Resource) -> bool:
        if any(match(_parts(resource, *place), value) for place in places for value in values):
            return True
        return any(_reference(_parts(resource, "entity", "what", "reference"), one) for one in also)

    return test


def _range(pairs: Pairs, now: int) -> tuple[int, int]:
    """Return the range that all values of `date` have in common.

    Raises:
        InvalidValue: there is none, or it has no beginning or no end.
    """
    begins, ends = None, None
    for text in [value for name, value in pairs if name == "date"]:
        found = date.parse(text)
        low = {"eq": found.lo, "ge": found.lo, "gt": found.hi, "sa": found.hi}.get(found.prefix)
        high = {"eq": found.hi, "le": found.hi, "lt": found.lo, "eb": found.lo}.get(found.prefix)
        if low is None and high is None:
            raise NotSupported(f"date is not compared by {found.prefix}", "date")
        begins = low if begins is None else max(begins, low if low is not None else begins)
        ends = high if ends is None else min(ends, high if high is not None else ends)
    if begins is None or ends is None:
        raise InvalidValue(
            "A range of dates is needed: date=ge2026-11-01&date=le2026-11-30, or one day or month", "date"
        )
    return begins, min(ends, now + 1)


def _count(pairs: Pairs) -> int:
    texts = [value for name, value in pairs if name == "_count"]
    if not texts:
        return DEFAULT_COUNT
    if not (texts[0].isascii() and texts[0].isdigit()) or len(texts[0]) > 9 or texts[0].strip("0") == "":
        raise InvalidValue("_count is a positive number", "_count")
    return min(int(texts[0]), MOST_COUNT)


def _only(pairs: Pairs, *names: str) -> str:
    """Return the one value that these parameters have together; empty when they have none, or several."""
    found = [value for name, value in pairs if _SAME.get(name, name) in names]
    return found[0] if len(found) == 1 and "," not in found[0] else ""


def read(pairs: Pairs, now: int, *, lenient: bool, patients: Sequence[str] = ()) -> Asked:
    """Return what a query asks.

    Args:
        pairs: Names and values, decoded.
        now: The present in microseconds since 1970 UTC.
        lenient: Whether unknown parameters are ignored.
        patients: `Patient/<id>` of those whom `patient.identifier` means at the hub.

    Raises:
        InvalidValue: a value is none of its parameter, or there is no range of dates.
        UnknownParameter: there is no such parameter.
        NotSupported: the standard knows the value, and it is not done here.
    """
    tests = []
    for name, text in pairs:
        known = _SAME.get(name, name)
        if known in _WHERE:
            tests.append(_test(known, text, patients if known == "patient.identifier" else ()))
        elif name == "_sort" and text not in ("-date", "-_lastUpdated"):
            raise NotSupported("The newest come first: _sort=-date", "_sort")
        elif name not in CONTROLS and name != "date" and not lenient:
            raise UnknownParameter(f"AuditEvent has no search parameter {name[:50]!r} here", name[:50])
    patient = _only(pairs, "patient").rpartition("/")[2]
    return Asked(
        *_range(pairs, now),
        _count(pairs),
        f"Patient/{patient}" if patient else "",
        _agent(pairs),
        tuple(tests),
    )


def _agent(pairs: Pairs) -> str:
    """Return the agent as the log keeps it: the value of an identifier, or a reference of the hub's own."""
    by_identifier, by_reference = _only(pairs, "agent.identifier"), _only(pairs, "agent")
    if by_identifier and not by_reference:
        return by_identifier.rpartition("|")[2]
    parts = by_reference.split("/")
    return "/".join(parts[-2:]) if by_reference and not by_identifier and len(parts) > 1 else ""
