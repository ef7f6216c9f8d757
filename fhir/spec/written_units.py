"""Units as laboratories write them, as codes of UCUM; and numbers of one analyte from one unit to another.

`×10^4/μL`, `万/μl` and `10*4/uL` are one unit. Mass, amount and charge are converted into each other only for an
analyte whose molar mass or charge is known. https://ucum.org/ucum
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from fhir.spec.jlac10 import CHARGE, MOLAR_MASS, is_enzyme
from fhir.spec.ucum import Unit, read

_WORDS = {
    "℃": "Cel",
    "°C": "Cel",
    "bpm": "/min",
    "拍/分": "/min",
    "回/分": "/min",
    "/分": "/min",
    "分": "min",
    "秒": "s",
    "sec": "s",
    "sec.": "s",
    "時間": "h",
    "日": "d",
    "歳": "a",
    "才": "a",
    "年": "a",
    "yr": "a",
    "year": "a",
    "years": "a",
    "か月": "mo",
    "ヶ月": "mo",
    "month": "mo",
    "months": "mo",
    "週": "wk",
    "mmHg": "mm[Hg]",
    "mm/1h": "mm/h",
    "mm/hr": "mm/h",
    "パーセント": "%",
}
_PARTS = (
    (re.compile(r"^[×x*]?10\^?\*?([0-9]{1,2})(?=/)"), r"10*\1"),
    (re.compile(r"^千(?=/)"), "10*3"),
    (re.compile(r"^万(?=/)"), "10*4"),
    (re.compile(r"^百万(?=/)"), "10*6"),
    (re.compile(r"m?1\.73m\^?2$", re.IGNORECASE), "{1.73_m2}"),
    (re.compile(r"^(m|k|u|n)?IU(?=/)"), r"\1[IU]"),
    (re.compile(r"^(m|u)?Eq(?=/|$)"), r"\1eq"),
    (re.compile(r"^(m)?Osm(?=/)", re.IGNORECASE), r"\1osm"),
    (re.compile(r"/分(?=/|$)"), "/min"),
    (re.compile(r"^ml(?=/min)"), "mL"),
    (re.compile(r"/g[・.]?(Cr|CRE)$", re.IGNORECASE), "/g{creat}"),
    (re.compile(r"/mm\^?3$"), "/mm3"),
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RELATED = ("{1.73_m2}", "{creat}")
LONGEST = 40
"""Characters of a unit that is read."""

MOST_DIGITS = 60
"""Of a number, before and behind its point."""


@lru_cache(maxsize=2048)
def ucum_of(text: str) -> str:
    """Return the code of UCUM that a written unit means; empty when it is none that is known."""
    if not text or len(text) > LONGEST:
        return ""
    if read(text) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    plain = unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS)).replace(" ", "")
    plain = plain.replace("μ", "u").replace("µ", "u").replace("×", "x")
    if plain in _WORDS:
        return _WORDS[plain]
    for form, code in _PARTS:
        plain = form.sub(code, plain)
    return plain if read(plain) is not None else ""


def code_of(quantity: Mapping[str, Any]) -> str:
    """Return the code of UCUM that a Quantity's unit means; empty when it is none that is known."""
    return ucum_of(str(quantity.get("code", ""))) or ucum_of(str(quantity.get("unit", "")))


def _replaced(unit: Unit, base: str, others: dict[str, int], factor: Fraction) -> Unit:
    """Return a unit in which one of its bases is so much of others."""
    bases = dict(unit.dimension)
    exponent = bases.pop(base, 0)
    if not exponent:
        return unit
    for other, own in others.items():
        bases[other] = bases.get(other, 0) + own * exponent
    dimension = tuple(sorted((name, count) for name, count in bases.items() if count))
    return Unit(dimension, unit.factor * factor**exponent, unit.offset)


@lru_cache(maxsize=4096)
def unit_of(code: str, analyte: str) -> Unit | None:
    """Return what a code of UCUM measures for an analyte (five digits of JLAC10, or empty); None when it is no code.

    Of an analyte that is known, charges are amounts, amounts are masses, and an enzyme's IU are U.
    """
    unit = read(code) if code else None
    if unit is None:
        return None
    if is_enzyme(analyte):
        # A U is a micromole a minute, in mol and seconds.
        unit = _replaced(unit, "[IU]", {"mol": 1, "s": -1}, Fraction(1, 60_000_000) * _moles())
    if analyte in CHARGE:
        unit = _replaced(unit, "eq", {"mol": 1}, 1 / Fraction(CHARGE[analyte]))
    if analyte in MOLAR_MASS:
        unit = _replaced(unit, "mol", {"g": 1}, Fraction(MOLAR_MASS[analyte]))
    return unit


def _moles() -> Fraction:
    """Return how many of the base unit a mole is."""
    mole = read("mol")
    return mole.factor if mole else Fraction(1)


def exact(text: object) -> Fraction | None:
    """Return the number that a text is; None when it is none, or of a size that nothing in medicine has."""
    try:
        found = Decimal(str(text))
    except ArithmeticError:
        return None
    if not found.is_finite() or len(found.as_tuple().digits) > MOST_DIGITS or abs(found.adjusted()) > MOST_DIGITS:
        return None
    return Fraction(found)


def measure_of(code: str, analyte: str) -> tuple[object, ...] | None:
    """Return what a code measures for an analyte: equal where numbers can be converted; None when it is no UCUM.

    Ratios are not converted: 6.5 % of HbA1c and 65 mmol/mol are not one thing. Neither is what is related to a body's
    surface or to creatinine with what is not.
    """
    unit = unit_of(code, analyte)
    if unit is None:
        return None
    if not unit.dimension:
        return (code,)
    return (unit.dimension, *(note for note in _RELATED if note in code))


def converted(number: Fraction, code: str, other: str, analyte: str) -> Fraction | None:
    """Return how many of another unit a number of a unit is, of an analyte; None when they measure different things."""
    if code == other:
        return number
    unit, wanted = unit_of(code, analyte), unit_of(other, analyte)
    if unit is None or wanted is None or measure_of(code, analyte) != measure_of(other, analyte):
        return None
    return (number * unit.factor + unit.offset - wanted.offset) / wanted.factor
