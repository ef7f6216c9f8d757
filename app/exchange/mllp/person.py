"""A Patient as PID: what answers to demographics queries tell of it. HL7 v2.5, 3.4.2; ITI-21, table 3.21-9."""

from collections.abc import Mapping
from typing import Any

from app.exchange.hl7v2.from_fhir.values import addresses, names
from app.exchange.hl7v2.write import Components, Field, Line, segment
from app.exchange.mllp.authority import written_authority

_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}


def _numbers(patient: Mapping[str, Any]) -> list[Components]:
    return [
        (one["value"], "", "", written_authority(one["system"]), "PI")
        for one in patient.get("identifier", ())
        if isinstance(one.get("system"), str) and isinstance(one.get("value"), str)
    ]


def _phones(patient: Mapping[str, Any]) -> list[Components]:
    return [one["value"] for one in patient.get("telecom", ()) if one.get("system") == "phone" and "value" in one]


def person_line(patient: Mapping[str, Any], number: int) -> Line:
    """Return PID of a Patient, the `number`-th of an answer."""
    fields: dict[int, Field] = {
        1: str(number),
        3: _numbers(patient),
        5: names(patient) or "",
        7: str(patient.get("birthDate", "")).replace("-", ""),
        8: _SEXES.get(str(patient.get("gender", "")), ""),
        11: addresses(patient) or "",
        13: _phones(patient) or "",
    }
    return segment("PID", fields)


def has_numbers(patient: Mapping[str, Any]) -> bool:
    """Return whether PID-3 of a Patient would say anything."""
    return bool(_numbers(patient))
