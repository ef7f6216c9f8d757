"""A Patient as PID: what answers to demographics queries tell of it. HL7 v2.5, 3.4.2; ITI-21, table 3.21-9."""

from collections.abc import Mapping
from typing import Any

from app.exchange.hl7v2.write import Components, Field, Line, segment
from app.exchange.mllp.authority import written_authority

_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_WRITTEN = {"IDE": "I", "SYL": "P", "ABC": "A"}
"""Table 4000: ideographic, phonetic, alphabetic."""

_USES = {"official": "L", "usual": "L", "maiden": "M", "nickname": "N", "old": "B", "temp": "T", "anonymous": "S"}
"""Table 0200."""


def _numbers(patient: Mapping[str, Any]) -> list[Components]:
    return [
        (one["value"], "", "", written_authority(one["system"]), "PI")
        for one in patient.get("identifier", ())
        if isinstance(one.get("system"), str) and isinstance(one.get("value"), str)
    ]


def _names(patient: Mapping[str, Any]) -> list[Components]:
    found: list[Components] = []
    for one in patient.get("name", ()):
        codes = [each.get("valueCode") for each in one.get("extension", ()) if each.get("url") == _REPRESENTATION]
        written = next((_WRITTEN[code] for code in codes if code in _WRITTEN), "")
        given = one.get("given", ())
        kind = _USES.get(one.get("use", ""), "L")
        family = one.get("family", "") or ("" if given else one.get("text", ""))
        found.append((family, given[0] if given else "", " ".join(given[1:]), "", "", "", kind, written))
    return found


def _addresses(patient: Mapping[str, Any]) -> list[Components]:
    found: list[Components] = []
    for one in patient.get("address", ()):
        lines = one.get("line", ()) or ([one["text"]] if "text" in one else ())
        street, other = (lines[0] if lines else ""), " ".join(lines[1:])
        place = (one.get("city", ""), one.get("state", ""), one.get("postalCode", ""), one.get("country", ""))
        found.append((street, other, *place))
    return found


def _phones(patient: Mapping[str, Any]) -> list[Components]:
    return [one["value"] for one in patient.get("telecom", ()) if one.get("system") == "phone" and "value" in one]


def person_line(patient: Mapping[str, Any], number: int) -> Line:
    """Return PID of a Patient, the `number`-th of an answer."""
    fields: dict[int, Field] = {
        1: str(number),
        3: _numbers(patient),
        5: _names(patient) or "",
        7: str(patient.get("birthDate", "")).replace("-", ""),
        8: _SEXES.get(str(patient.get("gender", "")), ""),
        11: _addresses(patient) or "",
        13: _phones(patient) or "",
    }
    return segment("PID", fields)


def has_numbers(patient: Mapping[str, Any]) -> bool:
    """Return whether PID-3 of a Patient would say anything."""
    return bool(_numbers(patient))
