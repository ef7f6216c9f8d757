"""Search once more, slow and plain: from resources as JSON to the ids that a query finds.

Nothing here is shared with `fhir.search`; where the two differ, one of them is wrong.
"""

import datetime as dt
import operator
import random
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from tests.property.oracle import Row
from tests.property.worlds import DAYS, TESTS, WorldMaker

Resource = dict[str, Any]


def _all(resource: Any, path: str) -> list[Any]:
    """Return the values at a path of keys, whether an element repeats or not."""
    found = [resource]
    for key in path.split("."):
        steps = [one[key] for one in found if isinstance(one, dict) and key in one]
        found = [item for step in steps for item in (step if isinstance(step, list) else [step])]
    return found


def _codings(value: Any) -> list[tuple[str | None, str]]:
    if isinstance(value, str):
        return [(None, value)]
    if "coding" in value:
        return [(one.get("system"), one["code"]) for one in value["coding"]]
    return [(value.get("system"), value["value"])] if "value" in value else []


def _token(value: Any, text: str) -> bool:
    system, bar, code = text.rpartition("|")
    return any(code == own and (not bar or system == (of or "")) for of, own in _codings(value))


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in plain if not unicodedata.combining(one))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    family, given = value["family"], value.get("given", [])
    both = [space.join(parts) for parts in ([family, *given], [*given, family]) for space in ("", " ")]
    return [family, *given, *both]


def _string(value: Any, text: str) -> bool:
    return any(_fold(one).startswith(_fold(text)) for one in _texts(value))


def _contains(value: Any, text: str) -> bool:
    return any(_fold(text) in _fold(one) for one in _texts(value))


def _exact(value: Any, text: str) -> bool:
    return text in _texts(value)


def _span(value: Any) -> tuple[dt.datetime, dt.datetime]:
    """Return the instants of a date or a Period, in Japanese time."""
    if isinstance(value, dict):
        return (
            _span(value["start"])[0] if "start" in value else dt.datetime.fromisoformat("0001-01-01"),
            _span(value["end"])[1] if "end" in value else dt.datetime.fromisoformat("9999-12-31"),
        )
    if "T" in value:
        start = dt.datetime.fromisoformat(value.removesuffix("+09:00"))
        return start, start + dt.timedelta(seconds=1)
    start = dt.datetime.fromisoformat(value)
    return start, start + dt.timedelta(days=1)


_SPANS: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    "eq": lambda lo, hi, start, end: start <= lo and hi <= end,
    "ne": lambda lo, hi, start, end: not (start <= lo and hi <= end),
    "gt": lambda _lo, hi, _start, end: hi > end,
    "lt": lambda lo, _hi, start, _end: lo < start,
    "ge": lambda lo, hi, start, end: hi > end or (start <= lo and hi <= end) or lo >= start,
    "le": lambda lo, hi, start, end: lo < start or (start <= lo and hi <= end) or hi <= end,
    "sa": lambda lo, _hi, _start, end: lo >= end,
    "eb": lambda _lo, hi, start, _end: hi <= start,
}


def _prefix(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in _SPANS else ("eq", text)


def _date(value: Any, text: str) -> bool:
    prefix, day = _prefix(text)
    return _SPANS[prefix](*_span(value), *_span(day))


def _number(value: Any, text: str) -> bool:
    prefix, digits = _prefix(text)
    asked, own = Decimal(digits), Decimal(str(value))
    half = Decimal((0, (5,), int(asked.as_tuple().exponent) - 1))
    within = asked - half <= own < asked + half
    if prefix in ("eq", "ne"):
        return within if prefix == "eq" else not within
    name = {"sa": "gt", "eb": "lt"}.get(prefix, prefix)
    return bool(getattr(operator, name)(own, asked))


def _quantity(value: Any, text: str) -> bool:
    number, *unit = text.split("|")
    return _number(value["value"], number) and (not unit or unit[1] in (value.get("unit"), value.get("code")))


def _reference(value: Any, text: str) -> bool:
    return bool(value.get("reference") == text)


def _display(value: Any, text: str) -> bool:
    return _fold(text) in _fold(value.get("text", ""))


def _identified(value: Any, text: str) -> bool:
    return "identifier" in value and _token(value["identifier"], text)


KINDS: dict[str, Callable[[Any, str], bool]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
}
MODIFIED: dict[str, Callable[[Any, str], bool]] = {
    "contains": _contains,
    "exact": _exact,
    "text": _display,
    "identifier": _identified,
}

PARAMETERS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("Observation", "code"): ("token", ("code",)),
    ("Observation", "status"): ("token", ("status",)),
    ("Observation", "category"): ("token", ("category",)),
    ("Observation", "component-code"): ("token", ("component.code",)),
    ("Observation", "combo-code"): ("token", ("code", "component.code")),
    ("Observation", "date"): ("date", ("effectiveDateTime",)),
    ("Observation", "value-quantity"): ("quantity", ("valueQuantity",)),
    ("Observation", "subject"): ("reference", ("subject",)),
    ("Observation", "patient"): ("reference", ("subject",)),
    ("Observation", "performer"): ("reference", ("performer",)),
    ("Observation", "has-member"): ("reference", ("hasMember",)),
    ("Observation", "any-code"): ("token", ("code", "component.code")),
    ("Observation", "when"): ("date", ("effectiveDateTime",)),
    ("Observation", "amount"): ("quantity", ("valueQuantity",)),
    ("Observation", "seen-by"): ("reference", ("performer",)),
    ("Patient", "surname"): ("string", ("name.family",)),
    ("RiskAssessment", "likely"): ("number", ("prediction.probabilityDecimal",)),
    ("Patient", "name"): ("string", ("name",)),
    ("Patient", "family"): ("string", ("name.family",)),
    ("Patient", "gender"): ("token", ("gender",)),
    ("Patient", "birthdate"): ("date", ("birthDate",)),
    ("Patient", "identifier"): ("token", ("identifier",)),
    ("Patient", "general-practitioner"): ("reference", ("generalPractitioner",)),
    ("Practitioner", "name"): ("string", ("name",)),
    ("DiagnosticReport", "result"): ("reference", ("result",)),
    ("DiagnosticReport", "patient"): ("reference", ("subject",)),
    ("DiagnosticReport", "category"): ("token", ("category",)),
    ("DiagnosticReport", "date"): ("date", ("effectiveDateTime",)),
    ("Condition", "code"): ("token", ("code",)),
    ("Condition", "patient"): ("reference", ("subject",)),
    ("Condition", "encounter"): ("reference", ("encounter",)),
    ("Condition", "onset-date"): ("date", ("onsetDateTime",)),
    ("Encounter", "patient"): ("reference", ("subject",)),
    ("Encounter", "date"): ("date", ("period",)),
    ("RiskAssessment", "probability"): ("number", ("prediction.probabilityDecimal",)),
    ("RiskAssessment", "patient"): ("reference", ("subject",)),
}
"""What a parameter reads: its type and its paths."""

COMPOSITES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "code-value-quantity": (("",), (("token", "code"), ("quantity", "valueQuantity"))),
    "component-code-value-quantity": (("component",), (("token", "code"), ("quantity", "valueQuantity"))),
    "combo-code-value-quantity": (("", "component"), (("token", "code"), ("quantity", "valueQuantity"))),
    "component-code-value-concept": (("component",), (("token", "code"), ("token", "valueCodeableConcept"))),
}
"""Of Observation: where the elements are (the resource itself is empty), and the type and key of each part."""

TARGETS: dict[tuple[str, str], str] = {
    ("Observation", "patient"): "Patient",
    ("Observation", "subject"): "Patient",
    ("Observation", "performer"): "Practitioner",
    ("Observation", "has-member"): "Observation",
    ("Observation", "seen-by"): "Practitioner",
    ("Patient", "general-practitioner"): "Practitioner",
    ("DiagnosticReport", "result"): "Observation",
    ("DiagnosticReport", "patient"): "Patient",
    ("Condition", "patient"): "Patient",
    ("Condition", "encounter"): "Encounter",
    ("Encounter", "patient"): "Patient",
    ("RiskAssessment", "patient"): "Patient",
}
"""The type that a chain follows a reference to."""


ORDERED: dict[str, Callable[[Any], list[Any]]] = {
    "token": lambda value: [code for _, code in _codings(value)],
    "string": lambda value: [_fold(text) for text in _texts(value)],
    "date": lambda value: [_span(value)[0]],
    "number": lambda value: [Decimal(str(value))],
    "quantity": lambda value: [Decimal(str(value["value"]))],
    "reference": lambda value: [value["reference"]] if "reference" in value else [],
}
"""What values are put in order by."""


class _Turned:
    """A value that compares the other way round."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Turned") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Turned) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


class PlainSearch:
    """Answers queries from the resources that exist for somebody."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_name = {f"{row.type}/{row.id}": row.latest for row in rows}

    def ids(self, type_name: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """Return the ids of the resources of a type that meet all pairs."""
        return sorted(
            one["id"] for one in self._of(type_name) if all(self.meets(one, name, text) for name, text in pairs)
        )

    def _of(self, type_name: str) -> list[Resource]:
        return [one for one in self._by_name.values() if one["resourceType"] == type_name]

    def meets(self, resource: Resource, name: str, text: str) -> bool:
        """Return whether a resource meets one name and value of a query."""
        own = resource["resourceType"]
        if name.startswith("_has:"):
            _, source, code, rest = name.split(":", 3)
            link = f"{own}/{resource['id']}"
            return any(
                link in self._links(one, source, code) and self.meets(one, rest, text) for one in self._of(source)
            )
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if dot:
            found = [self._by_name.get(link) for link in self._links(resource, own, code)]
            fitting = [one for one in found if one and modifier in ("", one["resourceType"])]
            return any(self.meets(one, rest, text) for one in fitting if _has_parameter(one, rest))
        if code in COMPOSITES:
            return any(_meets_composite(resource, code, one) for one in text.split(","))
        if code == "_id":
            return resource["id"] in text.split(",")
        return _meets_plain(resource, code, modifier, text)

    def order(self, type_name: str, id_: str, key: str) -> tuple[Any, ...]:
        """Return what a resource is put in order by: the lesser comes first, without regard to its type."""
        name = key.removeprefix("-")
        values = self._sorted_by(self._by_name[f"{type_name}/{id_}"], name)
        if not values:
            return (1,)
        return (0, _Turned(max(values))) if key != name else (0, min(values))

    def _sorted_by(self, resource: Resource, name: str) -> list[Any]:
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if not dot:
            kind, paths = PARAMETERS[resource["resourceType"], code]
            return [one for path in paths for value in _all(resource, path) for one in ORDERED[kind](value)]
        found = [self._by_name.get(link) for link in self._links(resource, resource["resourceType"], code)]
        fitting = [one for one in found if one and modifier in ("", one["resourceType"])]
        return [value for one in fitting if _has_parameter(one, rest) for value in self._sorted_by(one, rest)]

    def _links(self, resource: Resource, type_name: str, code: str) -> list[str]:
        values = [value for path in PARAMETERS[type_name, code][1] for value in _all(resource, path)]
        links = [value.get("reference", "") for value in values]
        return [link for link in links if code != "patient" or link.startswith("Patient/")]


def _has_parameter(resource: Resource, name: str) -> bool:
    code = name.partition(".")[0].partition(":")[0]
    return code in ("_has", "_id", *COMPOSITES) or (resource["resourceType"], code) in PARAMETERS


def _meets_composite(resource: Resource, code: str, text: str) -> bool:
    places, parts = COMPOSITES[code]
    elements = [element for place in places for element in (_all(resource, place) if place else [resource])]
    return any(
        all(
            any(KINDS[kind](value, asked) for value in _all(element, key))
            for (kind, key), asked in zip(parts, text.split("$"), strict=True)
        )
        for element in elements
    )


def _meets_plain(resource: Resource, code: str, modifier: str, text: str) -> bool:
    kind, paths = PARAMETERS[resource["resourceType"], code]
    values = [value for path in paths for value in _all(resource, path)]
    if modifier == "missing":
        return (not values) is (text == "true")
    compare = MODIFIED.get(modifier, KINDS[kind])
    found = any(compare(value, one) for value in values for one in text.split(","))
    return not found if modifier == "not" else found


VALUES: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "token": lambda chance: (chance.choice(("", "", ":not")), ""),
    "string": lambda chance: (
        chance.choice(("", ":contains", ":exact")),
        chance.choice(("山", "sato", "Sato", "田", "山田", "佐藤", "太", "SÄTÖ")),
    ),
    "date": lambda chance: (
        "",
        chance.choice(("", *_SPANS)) + chance.choice((*DAYS, "1960-01-02", "2024-05-01T10:00:00+09:00")),
    ),
    "number": lambda chance: ("", chance.choice(("", "gt", "le", "ne", "sa")) + chance.choice(("0.1", "0.25", "0.2"))),
    "quantity": lambda chance: (
        "",
        chance.choice(("", *_SPANS)) + chance.choice(("6.3", "7", "6", "120")) + chance.choice(("", "||%", "||mm")),
    ),
}
TOKENS = {
    "status": ("final", "amended", "final,amended"),
    "category": ("laboratory", "LAB", "vital-signs"),
    "gender": ("male", "female"),
    "identifier": ("1", "urn:oid:1.2.3|2", "|1", "urn:oid:9|1"),
}


def plain_criterion(chance: random.Random, world: WorldMaker, type_name: str) -> tuple[str, str]:
    """Return a name and a value that is asked of a type's own values."""
    if type_name == "Observation" and chance.random() < 0.25:
        code = chance.choice(sorted(COMPOSITES))
        second = chance.choice(TESTS) if code.endswith("concept") else VALUES["quantity"](chance)[1]
        return code, f"{chance.choice(('', 'http://loinc.org|'))}{chance.choice(TESTS)}${second}"
    code = chance.choice([code for base, code in PARAMETERS if base == type_name])
    kind = PARAMETERS[type_name, code][0]
    if chance.random() < 0.1:
        return f"{code}:missing", chance.choice(("true", "false"))
    if kind == "reference":
        if code == "performer" and chance.random() < 0.5:
            return "performer:identifier", chance.choice(("urn:x|1", "1", "2"))
        target = chance.choice(world.of(TARGETS[type_name, code]) or world.rows)
        return code, f"{target.type}/{target.id}"
    modifier, text = VALUES[kind](chance)
    if kind == "token":
        coded = (*TESTS, f"http://loinc.org|{TESTS[0]}", ",".join(TESTS[:2]))
        text = chance.choice(TOKENS.get(code, coded))
        if (type_name, code) == ("Observation", "code") and chance.random() < 0.3:
            return "code:text", chance.choice(("血", "hba1c", "血糖,HBA"))
    return code + modifier, text


def question(chance: random.Random, world: WorldMaker, type_name: str, depth: int) -> tuple[str, str]:
    """Return a name and a value, which may follow up to `depth` references."""
    ways = list(_ways(type_name)) if depth else []
    if not ways or chance.random() < 0.3:
        return plain_criterion(chance, world, type_name)
    prefix, next_type = chance.choice(ways)
    name, text = question(chance, world, next_type, depth - 1)
    return prefix + name, text


def sort_key(chance: random.Random, type_name: str, depth: int) -> str:
    """Return a key of an order, at the end of up to `depth` references."""
    ways = [(code, target) for (base, code), target in TARGETS.items() if base == type_name]
    if depth and ways and chance.random() < 0.7:
        code, target = chance.choice(ways)
        return f"{code}:{target}.{sort_key(chance, target, depth - 1)}"
    return chance.choice([code for base, code in PARAMETERS if base == type_name])


def _ways(type_name: str) -> Iterator[tuple[str, str]]:
    for (base, code), target in TARGETS.items():
        if base == type_name:
            yield f"{code}:{target}.", target
        if target == type_name:
            yield f"_has:{base}:{code}:", base
