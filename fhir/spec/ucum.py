"""Units of UCUM: what a code measures, and how many of the base unit it is.

Two codes are commensurable when they measure the same: a number in one is a number in the other. Where medicine
counts apart what UCUM holds for one, it is apart here: a mole (no mere number), an equivalent (it depends on the
charge), an osmole, a decay (no oscillation), an equivalent dose (it depends on the radiation). So is each arbitrary
unit, which nothing but itself defines.
https://ucum.org/ucum
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

LONGEST = 64
"""Characters of a code that is read."""

MOST_EXPONENT = 30
DEEPEST = 4
"""How deep a code has parentheses."""

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, in order of their names."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a code stands for: `number * factor + offset` base units."""

    dimension: Dimension
    factor: Fraction
    offset: Fraction = Fraction(0)


_PREFIXES = {
    prefix: Fraction(10) ** exponent
    for prefix, exponent in (
        *(("Y", 24), ("Z", 21), ("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("h", 2), ("da", 1)),
        *(("d", -1), ("c", -2), ("m", -3), ("u", -6), ("n", -9), ("p", -12), ("f", -15), ("a", -18), ("z", -21)),
        ("y", -24),
    )
}
_BASE_WORDS = "m s g rad K C cd mol eq osm Bq Sv [pH] B Np bit By [hp'_X]"
_ARBITRARY_WORDS = """
    [IU] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U]
    [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU] [Amb'a'1'U] [PNU] [Lf]
    [D'ag'U] [FEU] [ELU] [EU] [HPF] [LPF] [S] [kp_C] [p'diop] [ch] [gtt]
"""
_BASES = frozenset(_BASE_WORDS.split()) | frozenset(_ARBITRARY_WORDS.split())

_METRIC_DEFINITIONS = """
    L 1 dm3; l 1 dm3; ar 100 m2; t 1000 kg; u 1.6605402e-24 g; Hz 1 /s; N 1 kg.m/s2; Pa 1 N/m2; J 1 N.m; W 1 J/s;
    A 1 C/s; V 1 J/C; F 1 C/V; Ohm 1 V/A; S 1 /Ohm; Wb 1 V.s; T 1 Wb/m2; H 1 Wb/A; lm 1 cd.sr; lx 1 lm/m2;
    Ci 3.7e10 Bq; Gy 1 J/kg; RAD 0.01 Gy; REM 0.01 Sv; R 2.58e-4 C/kg; kat 1 mol/s; U 1 umol/min;
    bar 1e5 Pa; m[Hg] 133.322 kPa; m[H2O] 9.80665 kPa; cal 4.184 J; cal_th 4.184 J; cal_IT 4.1868 J;
    eV 1.60217733e-19 J; dyn 1e-5 N; erg 1e-7 J; P 0.1 Pa.s; St 1e-4 m2/s; gf 9.80665e-3 N; [iU] 1 [IU]; Ao 1e-10 m;
    st 1 m3; sr 1 rad2; mho 1 S
"""
_OTHER_DEFINITIONS = """
    % 0.01 1; [ppth] 1e-3 1; [ppm] 1e-6 1; [ppb] 1e-9 1; [pptr] 1e-12 1; min 60 s; h 60 min; d 24 h; wk 7 d;
    a_j 365.25 d; a 1 a_j; a_t 365.24219 d; a_g 365.2425 d; mo_j 30.4375 d; mo 1 mo_j; mo_s 29.53059 d;
    mo_g 30.436875 d;
    deg 0.01745329251994329576923690768489 rad; ' 1/60 deg; '' 1/60 '; gon 0.9 deg; circ 360 deg;
    [in_i] 2.54 cm; [ft_i] 12 [in_i]; [yd_i] 3 [ft_i]; [mi_i] 5280 [ft_i]; [nmi_i] 1852 m; [sin_i] 1 [in_i]2;
    [lb_av] 453.59237 g; [oz_av] 1/16 [lb_av]; [gr] 64.79891 mg; [stone_av] 14 [lb_av]; [dr_av] 1/16 [oz_av];
    [gal_us] 231 [in_i]3; [qt_us] 1/4 [gal_us]; [pt_us] 1/2 [qt_us]; [cup_us] 1/16 [gal_us]; [foz_us] 1/128 [gal_us];
    [tbs_us] 1/2 [foz_us]; [tsp_us] 1/3 [tbs_us]; [drp] 1/20 mL; [Cal] 1 kcal_th; [lbf_av] 4.4482216152605 N;
    [psi] 6894.757293168361 Pa; atm 101325 Pa; [in_i'Hg] 25.4 mm[Hg]; [in_i'H2O] 25.4 mm[H2O]; [diop] 1 /m;
    [car_m] 0.2 g; [g] 9.80665 m/s2; bd 1 /s; [Btu_IT] 1055.05585262 J; [HP] 745.6998715822702 W; [degR] 5/9 K;
    [mesh_i] 1 /[in_i]; [hd_i] 4 [in_i]; [Ch] 1/3 mm; ph 1e4 lx
"""


def _defined(text: str) -> dict[str, tuple[Fraction, str]]:
    rows = [row.split() for row in text.split(";")]
    return {code: (Fraction(number), unit) for code, number, unit in rows}


_METRIC = _defined(_METRIC_DEFINITIONS)
_OTHER = _defined(_OTHER_DEFINITIONS)
_NOT_METRIC_BASES = _BASES - {
    "m",
    "s",
    "g",
    "rad",
    "K",
    "C",
    "cd",
    "mol",
    "eq",
    "osm",
    "Bq",
    "Sv",
    "B",
    "Np",
    "bit",
    "By",
    "[IU]",
}
_SPECIAL = {
    "Cel": Unit((("K", 1),), Fraction(1), Fraction("273.15")),
    "[degF]": Unit((("K", 1),), Fraction(5, 9), Fraction("459.67") * 5 / 9),
    "[degRe]": Unit((("K", 1),), Fraction(5, 4), Fraction("273.15")),
}
"""Units with a zero of their own; they stand alone."""

_COMPONENT = re.compile(
    r"(?P<power>10[*^])(?P<tens>[+-]?[0-9]{1,3})?"
    r"|(?P<number>[0-9]{1,9})"
    r"|(?P<unit>(?:\[[^\[\]{}]{1,20}\]|[A-Za-z_%'])+)(?P<exponent>[+-]?[0-9]{1,2})?"
)
_ANNOTATION = re.compile(r"\{[^{}]*\}")

_Product = tuple[dict[str, int], Fraction]


class _NotRead(Exception):
    """The code is not of UCUM, or has what is not known here."""


def _power(unit: _Product, exponent: int) -> _Product:
    if abs(exponent) > MOST_EXPONENT:
        raise _NotRead
    return {base: own * exponent for base, own in unit[0].items()}, unit[1] ** exponent


def _times(one: _Product, other: _Product, sign: int) -> _Product:
    bases = dict(one[0])
    for base, exponent in other[0].items():
        bases[base] = bases.get(base, 0) + sign * exponent
    return bases, one[1] * other[1] ** sign


@lru_cache(maxsize=1024)
def _atom(code: str) -> _Product:
    """Return a unit without exponent, perhaps with a prefix."""
    if code in _BASES:
        return {code: 1}, Fraction(1)
    known = _METRIC.get(code) or _OTHER.get(code)
    if known is not None:
        bases, factor = _Reader(known[1]).whole()
        return bases, factor * known[0]
    for length in (1, 2):
        prefix, rest = code[:length], code[length:]
        metric = rest in _METRIC or (rest in _BASES and rest not in _NOT_METRIC_BASES)
        if prefix in _PREFIXES and metric:
            bases, factor = _atom(rest)
            return bases, factor * _PREFIXES[prefix]
    raise _NotRead


class _Reader:
    """Reads a code from left to right, as `.` and `/` are meant."""

    def __init__(self, code: str) -> None:
        self._code, self._at = code, 0

    def whole(self) -> _Product:
        found = self._term(0)
        if self._at != len(self._code):
            raise _NotRead
        return found

    def _next(self, text: str) -> bool:
        found = self._code.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _term(self, depth: int) -> _Product:
        found: _Product = ({}, Fraction(1))
        sign = -1 if self._next("/") else 1
        while True:
            found = _times(found, self._component(depth), sign)
            if self._next("."):
                sign = 1
            elif self._next("/"):
                sign = -1
            else:
                return found

    def _component(self, depth: int) -> _Product:
        if self._next("("):
            if depth == DEEPEST:
                raise _NotRead
            found = self._term(depth + 1)
            if not self._next(")"):
                raise _NotRead
        elif match := _ANNOTATION.match(self._code, self._at):
            # Alone it stands for one; what it says does not count.
            self._at = match.end()
            return {}, Fraction(1)
        else:
            found = self._simple()
        if match := _ANNOTATION.match(self._code, self._at):
            self._at = match.end()
        return found

    def _simple(self) -> _Product:
        match = _COMPONENT.match(self._code, self._at)
        if match is None:
            raise _NotRead
        self._at = match.end()
        if match["power"]:
            return _power(({}, Fraction(10)), int(match["tens"] or 1))
        if match["number"]:
            if int(match["number"]) == 0:
                raise _NotRead
            return {}, Fraction(int(match["number"]))
        return _power(_atom(match["unit"]), int(match["exponent"] or 1))


@lru_cache(maxsize=2048)
def read(code: str) -> Unit | None:
    """Return what a code stands for; None for one that is not of UCUM, or that is not known here."""
    if code in _SPECIAL:
        return _SPECIAL[code]
    if not 0 < len(code) <= LONGEST:
        return None
    try:
        bases, factor = _Reader(code).whole()
    except _NotRead:
        return None
    return Unit(tuple(sorted((base, exponent) for base, exponent in bases.items() if exponent)), factor)


def convert(number: Fraction, unit: Unit, other: Unit) -> Fraction:
    """Return how many of another unit, which measures the same, a number of a unit is."""
    return (number * unit.factor + unit.offset - other.offset) / other.factor
