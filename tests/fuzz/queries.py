"""Search strings from a grammar: names, modifiers, prefixes, chains, `_has`, `_filter`, controls."""

from functools import cache

from fhir.search.control import NAMES
from fhir.spec.search_parameters import SearchParameter, parameters
from fhir.store.types import NUMBERS
from tests.fuzz.dice import MODIFIERS, Dice

TYPES = tuple(NUMBERS)
COMMON = ("Patient", "Observation", "Encounter", "Condition", "DocumentReference", "Consent", "Group", "Practitioner")
"""What is asked for in half of the requests."""

IDS = (
    "clinic-c-p",
    "clinic-c-observation",
    "hospital-a-hidden",
    "hospital-a-observation",
    "1",
    "none",
    "a.b-c",
    "x" * 64,
)
"""Ids that exist for the callers, that are hidden from them, that exist for nobody."""

CONTROLS = tuple(sorted({*NAMES, "_sort", "_list", "_type", "_query", "_text", "_content", "_filter", "_has"}))
TAME_CONTROLS = (
    *("_count", "_total", "_summary", "_elements", "_sort", "_sort", "_include", "_revinclude", "_filter", "_filter"),
    *("_format", "_pretty", "_contained", "_list", "_text", "_content"),
)
_OPERATORS = (
    "eq",
    "ne",
    "co",
    "sw",
    "ew",
    "gt",
    "lt",
    "ge",
    "le",
    "ap",
    "sa",
    "eb",
    "pr",
    "po",
    "ss",
    "sb",
    "in",
    "re",
    "zz",
)


def a_type(dice: Dice) -> str:
    if not dice.tame and dice.maybe(0.04):
        return dice.one(
            "Pet", "patient", "Resource", "DomainResource", "Parameters", "%C3%89lan", "*", "Patient.", "Bundle%20"
        )
    return dice.choice(COMMON) if dice.maybe(0.6) else dice.choice(TYPES)


@cache
def _codes(type_name: str) -> tuple[SearchParameter, ...]:
    return tuple(parameters(type_name).values())


def parameter(dice: Dice, type_name: str) -> SearchParameter | None:
    """Return one of a type's search parameters; None for a type that has none."""
    found = _codes(type_name)
    return dice.choice(found) if found else None


def value(dice: Dice, kind: str) -> str:
    """Return a value that may fit a parameter of a kind."""
    if not dice.tame and dice.maybe(0.2):
        kind = dice.one("token", "string", "date", "number", "quantity", "reference", "uri", "composite", "odd")
    if kind == "date":
        return dice.prefix() + dice.date()
    if kind == "number":
        return dice.prefix() + dice.number()
    if kind == "quantity":
        unit = dice.one(
            "", "|http://unitsofmeasure.org|mg", "||mg", *(() if dice.tame else ("|", "|||", "|" + dice.text()))
        )
        return dice.prefix() + dice.number() + unit
    if kind == "reference":
        target = f"{a_type(dice)}/{dice.choice(IDS)}"
        return dice.one(
            target, dice.choice(IDS), f"http://example.org/fhir/{target}", f"{target}/_history/1", dice.text()
        )
    if kind == "token":
        return dice.one(
            *("4548-4", "http://loinc.org|4548-4", "|4548-4", "http://loinc.org|", "true", "male"), dice.text()
        )
    if kind == "boolean":
        return dice.one("true", "false") if dice.tame else dice.text()
    if kind == "composite":
        return f"{value(dice, 'token')}${value(dice, 'quantity')}"
    if kind == "special":
        if dice.tame:
            return dice.one("43.06|141.35|10|km", "43|141", "-90|180|1|m", "89.9|-180|20000|km")
        return dice.one("43.06|141.35|10|km", "43|141", "91|181|1|km", "43.06|141.35|-1|km", "43|141|1e400|km", "||||")
    return dice.text()


def values(dice: Dice, kind: str) -> str:
    return ",".join(value(dice, kind) for _ in range(dice.one(1, 1, 1, 1, 2, 3, 30)))


def _via(dice: Dice, other: str, type_name: str) -> str:
    """Return a reference of another type, one that may lead to `type_name` if there is any."""
    found = [one.code for one in _codes(other) if type_name in one.targets]
    if found and (dice.tame or dice.maybe(0.8)):
        return dice.choice(found)
    any_of_it = parameter(dice, other)
    return any_of_it.code if any_of_it else dice.text()


def name(dice: Dice, type_name: str, depth: int = 0) -> tuple[str, str]:
    """Return a parameter's name, perhaps with modifiers and chains, and its kind."""
    found = parameter(dice, type_name)
    if found is None or (not dice.tame and dice.maybe(0.05)):
        return dice.text(), "string"
    if dice.maybe(0.1) and depth < 6:
        other = a_type(dice)
        inner, kind = name(dice, other, depth + 2)
        return f"_has:{other}:{_via(dice, other, type_name)}:{inner}", kind
    code = found.code
    if dice.maybe(0.25):
        code += ":" + (dice.modifier(found.type) if dice.tame or dice.maybe(0.9) else dice.text())
        if code.endswith(":missing"):
            return code, "boolean"
    if found.type == "reference" and depth < 6 and dice.maybe(0.5):
        target = dice.choice(found.targets) if found.targets and (dice.tame or dice.maybe(0.9)) else a_type(dice)
        inner, kind = name(dice, target, depth + 1)
        return f"{found.code}{dice.one('', f':{target}')}.{inner}", kind
    return code, found.type


def filtering(dice: Dice, type_name: str, depth: int = 0) -> str:
    """Return an expression of `_filter`."""
    if depth < 5 and dice.maybe(0.3):
        left, right = filtering(dice, type_name, depth + 1), filtering(dice, type_name, depth + 1)
        return dice.one(
            f"({left}) and ({right})",
            f"{left} or {right}",
            f"not ({left})",
            *(() if dice.tame else (f"({left}", f"{left} {right}")),
        )
    code, kind = name(dice, type_name, 4)
    text = value(dice, kind)
    if dice.tame:
        return f'{code.partition(":")[0]} {dice.choice(_OPERATORS[:13])} "{value(dice, kind)}"'
    return f"{code} {dice.choice(_OPERATORS)} " + dice.one(text, f'"{text}"', f'"{text}', "true", "")


def _tame(dice: Dice, type_name: str, named: str) -> dict[str, str]:
    """Return values of control parameters that R4 allows."""
    return {
        "_count": dice.one("0", "1", "5", "100"),
        "_total": dice.one("none", "accurate", "estimate"),
        "_summary": dice.one("true", "text", "data", "count", "false"),
        "_elements": dice.one("id", "identifier,id", "meta", "text"),
        "_sort": dice.one(named, f"-{named}", f"{named},-_lastUpdated,_id", "-_lastUpdated"),
        "_include": dice.one("*", f"{type_name}:{_via(dice, type_name, 'Patient')}", f"{type_name}:*"),
        "_revinclude": dice.one("*", "Observation:patient", "Provenance:target"),
        "_format": dice.one("json", "xml", "application/fhir+xml"),
        "_contained": "false",
        "_list": "clinic-c-list",
    }


def control(dice: Dice, type_name: str) -> tuple[str, str]:
    """Return a parameter that shapes the answer."""
    code = dice.choice(TAME_CONTROLS if dice.tame else CONTROLS)
    via = parameter(dice, type_name)
    named = via.code if via else "code"
    texts = {
        "_count": dice.one("0", "1", "5", "1000", "-1", "1e3", dice.number()),
        "_total": dice.one("none", "accurate", "estimate", "exact"),
        "_summary": dice.one("true", "text", "data", "count", "false", "maybe"),
        "_elements": dice.one("id", "name,id", "Patient.name", "nothing", ",", dice.text()),
        "_sort": dice.one(
            named, f"-{named}", f"{named},-_lastUpdated,_id", "-", "--a", f"{named}:missing", dice.text()
        ),
        "_include": dice.one(
            "*", f"{type_name}:{named}", f"{type_name}:*", f"{type_name}:{named}:Patient", "a:b:c:d", ""
        ),
        "_revinclude": dice.one("*", f"{a_type(dice)}:{named}", f"{a_type(dice)}:patient", "Provenance:target", ":"),
        "_filter": filtering(dice, type_name),
        "_format": dice.one("json", "xml", "html", "application/fhir+xml", "application/fhir json", "ttl", dice.text()),
        "_pretty": dice.one("true", "false", "yes"),
        "_type": dice.one("Patient", "Patient,Observation", "Pet", ",", a_type(dice)),
        "_contained": dice.one("false", "true", "both"),
        "_cursor": dice.one("", "AAAA", "A" * 200, dice.text()),
        "_list": dice.one("clinic-c-list", "$current-problems", "none", dice.text()),
    }
    if dice.tame:
        texts |= _tame(dice, type_name, named)
        return code + (":iterate" if "include" in code and dice.maybe(0.2) else ""), texts.get(code, dice.text())
    suffix = dice.one("", "", "", "", ":iterate", ":" + dice.choice(MODIFIERS))
    return code + suffix, texts.get(code, dice.text())


def pairs(dice: Dice, type_name: str) -> list[tuple[str, str]]:
    """Return the parameters of a search."""
    found = []
    for _ in range(dice.one(0, 1, 1, 1, 2, 3, 4)):
        if dice.maybe(0.35):
            found.append(control(dice, type_name))
        else:
            code, kind = name(dice, type_name)
            found.append((code, values(dice, kind)))
    return found


def query(dice: Dice, type_name: str) -> str:
    """Return a query string: escaped as it should be, or otherwise."""
    if not dice.tame and dice.maybe(0.05):
        return dice.one(
            "&", "=", "&&=&", "a", "?", "%", "a=%00", "a=b=c", "&" * 600, "x=1&" * 501, "%E3%81=", "_count=1&_count=2"
        )
    parts = []
    for code, text in pairs(dice, type_name):
        separator = "=" if dice.tame or dice.maybe(0.98) else ""
        written = code if code.isascii() and code.replace("_", "").isalnum() else dice.escaped(code)
        parts.append(f"{written}{separator}{dice.escaped(text)}")
    return "&".join(parts)
