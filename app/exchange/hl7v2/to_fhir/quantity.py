"""Numbers with units: the digits as they were sent, the unit as it was sent and, where it is known, as UCUM writes it.

https://ucum.org; JAHIS units of laboratory results.
"""

import re
import unicodedata
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import UCUM
from fhir.exact import Number

_NUMBER = re.compile(r"([+-]?)0*(\d+)(\.\d+)?|([+-]?)(\.\d+)")
_COMPARED = re.compile(r"([<>]=?|[≦≧＜＞])\s*([+-]?[\d.]+)")
_COMPARATORS = {"≦": "<=", "≧": ">=", "＜": "<", "＞": ">"}
_POWER = re.compile(r"(?:[×xX*]\s*)?10[\^*](\d+)(.*)")
_WHOLE = {
    "%": "%",
    "‰": "[ppth]",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "ug/dl": "ug/dL",
    "ng/dl": "ng/dL",
    "ng/ml": "ng/mL",
    "pg/ml": "pg/mL",
    "ug/ml": "ug/mL",
    "ug/l": "ug/L",
    "mg/l": "mg/L",
    "g/l": "g/L",
    "mmol/l": "mmol/L",
    "umol/l": "umol/L",
    "meq/l": "meq/L",
    "u/l": "U/L",
    "iu/l": "[IU]/L",
    "u/ml": "U/mL",
    "iu/ml": "[IU]/mL",
    "miu/ml": "m[IU]/mL",
    "uiu/ml": "u[IU]/mL",
    "mu/l": "mU/L",
    "mmhg": "mm[Hg]",
    "torr": "mm[Hg]",
    "bpm": "/min",
    "回/分": "/min",
    "/分": "/min",
    "/min": "/min",
    "°c": "Cel",
    "度": "Cel",
    "cm": "cm",
    "mm": "mm",
    "m": "m",
    "kg": "kg",
    "g": "g",
    "mg": "mg",
    "ug": "ug",
    "ml": "mL",
    "l": "L",
    "pg": "pg",
    "fl": "fL",
    "sec": "s",
    "秒": "s",
    "msec": "ms",
    "ms": "ms",
    "mv": "mV",
    "degree": "deg",
    "度(角)": "deg",
    "/ul": "/uL",
    "/mm3": "/mm3",
    "万/ul": "10*4/uL",
    "mm/hr": "mm/h",
    "mm/h": "mm/h",
    "ml/min": "mL/min",
    "ml/hr": "mL/h",
    "ml/h": "mL/h",
    "mosm/kg": "mosm/kg",
    "kg/m2": "kg/m2",
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
    "g/day": "g/d",
    "日": "d",
    "d": "d",
    "年": "a",
    "歳": "a",
    "時間": "h",
    "分": "min",
}
"""UCUM by the unit in small letters; micro is written u."""


def number(text: str) -> Number | None:
    """Return the number that a text writes, digit for digit; None where it writes none.

    JSON has no plus sign, no zeros in front, and a digit before the point: these alone are mended.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    sign, whole, rest = found[1] or found[4], found[2] or "0", found[3] or found[5] or ""
    return Number(f"{'-' if sign == '-' else ''}{whole}{rest}")


def compared(text: str) -> tuple[str, Number] | None:
    """Return the comparator and the number of a text like `< 0.5`; None where it is none."""
    found = _COMPARED.fullmatch(text.strip())
    value = number(found[2]) if found else None
    return (_COMPARATORS.get(found[1], found[1]), value) if found and value is not None else None


def ucum(unit: str) -> str:
    """Return a unit of Japan's laboratories as UCUM writes it, empty where that is not known."""
    plain = unicodedata.normalize("NFKC", unit).replace("μ", "u").replace("µ", "u").replace(" ", "")
    power = _POWER.fullmatch(plain)
    if power:
        rest = _WHOLE.get(power[2].lower(), "") if power[2] else ""
        return f"10*{power[1]}{rest}" if rest or not power[2] else ""
    return _WHOLE.get(plain.lower(), "")


def unit_of(segment: Segment, field: int, source: Source) -> dict[str, str]:
    """Return the members of a Quantity that say its unit: the text as sent, a code of UCUM's or the sender's."""
    found = segment.repetitions(field)
    return source.remembered("unit", found[0], _unit) if found else {}


def _unit(value: Repetition, source: Source) -> dict[str, str]:
    code, text, name = value.text(1), value.text(2), value.text(3)
    if code.endswith("10") and text[:1].isdigit() and "/" in text:  # ×10^3/μL, its power taken for a component
        code = text = f"{code}^{text}"
        name = ""
    return named_unit(code, text, name, source)


def named_unit(code: str, text: str, name: str, source: Source) -> dict[str, str]:
    """Return the members of a Quantity that say its unit, by its code, its text and the name of its coding system."""
    shown = text or code
    if not shown:
        return {}
    known = ucum(code) or ucum(text)
    system = source.system_of(name)
    if known and "MERIT9" not in system:
        return {"unit": shown, "system": UCUM, "code": known}
    if system and code:
        return {"unit": shown, "system": system, "code": code}
    return {"unit": shown}


def quantity(text: str, unit: dict[str, str]) -> dict[str, Any]:
    """Return a Quantity of a number; empty where the text is none."""
    value = number(text)
    return {} if value is None else {"value": value, **unit}
