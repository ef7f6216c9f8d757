"""Values of FHIR as HL7 writes them: codes, dates, people, places, quantities."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.exchange.hl7v2.to_fhir.people import REPRESENTATION
from app.exchange.hl7v2.to_fhir.quantity import ucum
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import DEPARTMENT, EXCHANGE_CODE, STANDARD, TERMINOLOGY, UCUM
from app.exchange.hl7v2.write import Components

_NAMES = {uri: name for name, uri in reversed(STANDARD.items())} | {EXCHANGE_CODE: "MDCDX2"}
_TABLE = re.compile(re.escape(f"{TERMINOLOGY}v2-") + r"(\d{4})")
_REPRESENTATIONS = {"IDE": "I", "SYL": "P", "ABC": "A"}
_MOMENT = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d))?")
_USES = {"official": "L", "usual": "D", "nickname": "N", "maiden": "M", "old": "B", "anonymous": "S", "temp": "T"}


def system_name(uri: str, source: Source) -> str:
    """Return the name of a coding system in messages; what has none is named by its URI."""
    for name, own in source.systems.items():
        if own == uri:
            return name
    known = _NAMES.get(uri)
    if known:
        return known
    table = _TABLE.fullmatch(uri)
    if table:
        return f"HL7{table[1]}"
    local = source.local("")
    if uri.startswith(local):
        return uri.removeprefix(local)
    return uri.removeprefix("urn:renkei:coding-system:")


def coded(concept: Mapping[str, Any] | None, source: Source) -> Components:
    """Return a CodeableConcept as CWE: its first two codings, and its text where that is another."""
    if not concept:
        return ""
    codings = [one for one in concept.get("coding", ()) if one.get("code")]
    text = concept.get("text", "")
    parts = [part for one in codings[:2] for part in _coding(one, source)]
    if not parts:
        return ("", text)
    shown = parts[1] or (parts[4] if len(parts) > 3 else "") or parts[0]
    return (*parts, *[""] * (8 - len(parts)), text) if text and text != shown else tuple(parts)


def _coding(one: Mapping[str, Any], source: Source) -> tuple[str, str, str]:
    return one["code"], one.get("display", ""), system_name(one.get("system", ""), source)


def coded_parts(concept: Mapping[str, Any], source: Source) -> tuple[str, str, str]:
    """Return a code, a text and a system's name of a CodeableConcept: as subcomponents write it."""
    for one in concept.get("coding", ()):
        if one.get("code"):
            code, display, name = _coding(one, source)
            return code, concept.get("text") or display, name
    return "", concept.get("text", ""), ""


def moment(made: str, source: Source) -> str:
    """Return a FHIR date, dateTime or instant as HL7 writes it; the site's own offset is left out."""
    found = _MOMENT.fullmatch(made)
    if found is None:
        return ""
    *parts, fraction, offset = found.groups()
    text = "".join(part for part in parts if part)
    if offset is None:
        return text
    away = "" if offset == source.zone else "+0000" if offset == "Z" else offset.replace(":", "")
    return f"{text}{(fraction or '')[:5]}{away}"


def at_17(made: str, source: Source) -> str:
    """Return a FHIR moment as 17 digits of the site's own clock; what it does not say is zero, or the first."""
    if "T" in made:
        own = datetime.fromisoformat(f"2000-01-01T00:00:00{source.zone}").tzinfo
        try:
            at = datetime.fromisoformat(made).astimezone(own)
        except (ValueError, OverflowError):
            # A leap second, or the end of the calendar for a time without end: its own clock's digits.
            return re.sub("[^0-9]", "", made[:19]).ljust(17, "0")
        return f"{at.year:04}{at:%m%d%H%M%S}{at.microsecond // 1000:03d}"
    whole = made.replace("-", "")
    return f"{whole}{'0101'[len(whole) - 4 :]}".ljust(17, "0")


def person(reference: Mapping[str, Any] | None) -> Components:
    """Return a reference to a person of the staff as XCN."""
    if not reference:
        return ""
    number = reference.get("identifier", {}).get("value", "")
    family, _, given = reference.get("display", "").partition(" ")
    return (number, family, given, "", "", "", "", "", "", "L", "", "", "", "", "I") if number or family else ""


def names(resource: Mapping[str, Any]) -> list[Components]:
    """Return the names of a person as XPN."""
    made: list[Components] = []
    for one in resource.get("name", ()):
        shown = next((e.get("valueCode", "") for e in one.get("extension", ()) if e["url"] == REPRESENTATION), "")
        family = one.get("family") or one.get("text", "")
        given, further = (*one.get("given", ()), "", "")[:2]
        use = _USES.get(one.get("use", ""), "L" if "use" not in one else "")
        made.append((family, given, further, "", "", "", use, _REPRESENTATIONS.get(shown, "")))
    return made


_ADDRESS_USES = {"home": "H", "work": "B", "temp": "C", "old": "BA"}
_CONTACTS = {"home": "PRN", "work": "WPN", "temp": "EMR", "mobile": "PRS"}
_EQUIPMENT = {"phone": "PH", "fax": "FX", "pager": "BP", "email": "Internet"}


def addresses(resource: Mapping[str, Any]) -> list[Components]:
    """Return the addresses of a person as XAD; the whole text is in the eighth component."""
    made: list[Components] = []
    for one in resource.get("address", ()):
        street, other = (*one.get("line", ()), "", "")[:2]
        country = "JPN" if one.get("country") == "JP" else one.get("country", "")
        use = _ADDRESS_USES.get(one.get("use", ""), "")
        made.append(
            (
                street,
                other,
                one.get("city", ""),
                one.get("state", ""),
                one.get("postalCode", ""),
                country,
                use,
                one.get("text", ""),
            )
        )
    return made


def contacts(telecoms: Iterable[Mapping[str, Any]]) -> list[Components]:
    """Return telephone numbers and addresses as XTN."""
    made: list[Components] = []
    for one in telecoms:
        use, value = one.get("use", ""), one.get("value", "")
        kind = "CP" if use == "mobile" else _EQUIPMENT.get(one.get("system", "phone"), "PH")
        if kind == "Internet":
            made.append(("", _CONTACTS.get(use, ""), kind, value))
        else:
            made.append(("", _CONTACTS.get(use, ""), kind, *[""] * 8, value))
    return made


def place(reference: Mapping[str, Any]) -> Components:
    """Return a reference to a place as PL: its ward, room and bed."""
    shown = reference.get("display", "")
    return tuple(shown.split(" ")[:3]) if shown else ""


def identifier(resource: Mapping[str, Any], system: str) -> str:
    """Return the value of the first identifier of a system; empty where there is none."""
    return next(
        (str(one["value"]) for one in _identifiers(resource) if one.get("system") == system and "value" in one), ""
    )


def _identifiers(resource: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = resource.get("identifier", ())
    return [found] if isinstance(found, Mapping) else found


def department(resource: Mapping[str, Any], url: str, source: Source) -> Components:
    """Return the department that an extension names, as CE."""
    for one in resource.get("extension", ()):
        if one.get("url") == url:
            concept = one.get("valueCodeableConcept", {})
            code, text, name = coded_parts(concept, source)
            return (code, text, "" if name == DEPARTMENT else name)
    return ""


def digits(quantity: Mapping[str, Any] | None) -> str:
    """Return the number of a Quantity, digit for digit; empty where there is none."""
    value = (quantity or {}).get("value")
    return "" if value is None else str(getattr(value, "text", value))


def unit(quantity: Mapping[str, Any] | None, source: Source) -> tuple[str, str, str]:
    """Return the unit of a Quantity as a code, a text and the name of its system."""
    if not quantity or not quantity.get("unit", quantity.get("code")):
        return "", "", ""
    shown = quantity.get("unit") or quantity.get("code", "")
    system = quantity.get("system", "")
    if not system or (system == UCUM and ucum(shown) == quantity.get("code")):
        return shown, shown, ""
    return quantity.get("code", shown), shown, system_name(system, source)
