"""The units that medicine writes, by what they measure: where a search for a quantity looks.

A search is asked in one unit and finds values in those that measure the same. Which ones is fixed here, so that
nothing is converted when a resource is stored; a unit that is not among them is compared as it is written.
https://hl7.org/fhir/R4/valueset-ucum-common.html, https://hl7.org/fhir/R4/search.html#quantity
"""

from functools import cache

from fhir.spec.ucum import Dimension, read

SYSTEM = "http://unitsofmeasure.org"

_MASSES = "kg g mg ug ng pg"
_VOLUMES = "L dL mL uL l dl ml ul"
_AMOUNTS = "mol mmol umol nmol pmol fmol"
_TIMES = "d h min"
_POWERS = "10*2 10*3 10*4 10*6 10*9 10*12"


def _each(units: str, *after: str) -> str:
    """Return each unit with each end."""
    return " ".join(one + end for one in units.split() for end in after)


_IN_USE = (
    # What is weighed, measured and timed.
    f"{_MASSES} fg t [lb_av] [oz_av] [gr]",
    f"{_VOLUMES} cL hL nL pL fL m3 dm3 cm3 mm3 um3 [foz_us] [gal_us] [cup_us] [pt_us] [tbs_us] [tsp_us] [drp]",
    "km m dm cm mm um nm [in_i] [ft_i] [yd_i] [mi_i] m2 cm2 mm2 [sin_i] a mo wk d h min s ms us ns",
    "Cel K [degF] mm[Hg] cm[H2O] mm[H2O] Pa hPa kPa MPa bar mbar atm [psi] J kJ MJ cal kcal [Cal] W kW mW",
    "deg rad ' m/s cm/s mm/s km/h mm/h cm/h [mi_i]/h [diop] /m Hz kHz MHz GHz /s /min /h /d /wk /mo /a",
    "{beats}/min {breaths}/min {counts}/min V mV uV kV A mA uA Ohm kOhm N mN kg/m3",
    "Gy cGy mGy uGy RAD Sv mSv uSv REM Gy.cm2 mGy.cm2 dGy.cm2 cGy.cm2 uGy.m2 mGy.cm Gy.m2",
    "Bq kBq MBq GBq Ci mCi uCi nCi dB bit By kBy MBy",
    # In a volume, a weight, a time.
    _each("kg g mg ug ng pg fg", "/L", "/dL", "/mL", "/uL", "/l", "/dl", "/ml"),
    "g/cm3",
    _each(_AMOUNTS, "", "/L", "/dL", "/mL", "/l", "/dl", "/ml", "/d", "/h", "/kg", "/g", "/mol", "/mmol"),
    _each("eq meq ueq", "", "/L", "/dL", "/mL", "/l", "/d", "/kg", "/g", "/h"),
    _each("osm mosm", "", "/L", "/kg", "/l"),
    _each("U mU kU uU", "", "/L", "/mL", "/dL", "/l", "/ml", "/g", "/kg", "/h", "/d", "/min"),
    _each("kat mkat ukat nkat pkat", "", "/L", "/mL", "/l", "/kg"),
    _each("[IU] k[IU] m[IU] u[IU] [iU] k[iU] m[iU] u[iU]", "", "/L", "/mL", "/d", "/h", "/kg"),
    "[IU]/dL [IU]/l [IU]/ml M[IU] [iU]/dL",
    _each("[arb'U]", "", "/mL", "/L"),
    _each("[CFU]", "", "/mL", "/L", "/g"),
    _each("[beth'U] [APL'U] [GPL'U] [MPL'U] [anti'Xa'U]", "", "/mL"),
    _each(_POWERS, "", "/L", "/mL", "/uL", "/mm3", "/kg"),
    "10*5/L 10*5/mL 10*5/uL 10*-3 10*-6 10*9/l 10*12/l 10^2/uL 10^3/uL 10^4/uL 10^6/uL 10^9/L 10^12/L 10^6/L 10^3/mL",
    _each("/", "L", "mL", "uL", "dL", "nL", "mm3", "l", "ml", "ul", "cm2", "m2"),
    _each("{cells} {copies} {RBC} {WBC} 10*3{cells}", "/uL", "/mL", "/L"),
    "1 % [ppth] [ppm] [ppb] {ratio} {score} {index}",
    "mg/g ug/g ng/g pg/g g/g g/kg mg/kg ug/kg ng/kg ug/mg ng/mg mg/mg g/mg",
    "L/L mL/L mL/dL mL/mL mol/mol mmol/mol umol/mol g/mmol mg/mmol ug/mmol g/mol mg/mol ng/mmol",
    _each("g mg ug ng", *(f"/{one}" for one in _TIMES.split()), "/(24.h)", "/wk"),
    _each("mg ug ng g", "/kg/d", "/kg/h", "/kg/min", "/m2", "/m2/d", "/cm2"),
    _each("L mL uL dL", "/d", "/h", "/min", "/s", "/kg", "/kg/h", "/kg/min", "/kg/d", "/m2", "/cm[H2O]", "/mm[Hg]"),
    _each("L mL", "/min/m2", "/min/{1.73_m2}", "/min/kg"),
    "kg/m2 g/m2 g/cm2 kg/d kg/h kg/min kcal/d kcal/h kcal/kg kcal/kg/d kJ/d J/L kcal/L",
    "mm[Hg]/s mm[Hg].s mm[Hg]/mL kPa/s dyn.s/cm5 dyn.s.cm-5 Pa.s mPa.s cP s/m ms2 [pH]",
    "/[HPF] /[LPF] {cells}/[HPF] {RBC}/[HPF] {WBC}/[HPF]",
)


@cache
def _by_dimension() -> dict[Dimension, tuple[str, ...]]:
    """Return the units in use by what they measure."""
    found: dict[Dimension, list[str]] = {}
    for code in dict.fromkeys(" ".join(_IN_USE).split()):
        if (unit := read(code)) is not None:
            found.setdefault(unit.dimension, []).append(code)
    return {dimension: tuple(codes) for dimension, codes in found.items()}


def commensurable(code: str) -> tuple[str, ...]:
    """Return the units in use that measure what a code does, without itself; none if UCUM does not know it."""
    unit = read(code)
    return tuple(one for one in _by_dimension().get(unit.dimension, ()) if one != code) if unit is not None else ()
