from fractions import Fraction

import pytest

from fhir.spec.written_units import converted, measure_of, ucum_of

GLUCOSE, SODIUM, POTASSIUM, CALCIUM, LD, PLATELETS, HBA1C = (
    "3D010",
    "3H010",
    "3H015",
    "3H030",
    "3B050",
    "2A050",
    "3D046",
)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("mg/dL", "mg/dL"),
        ("mg/dl", "mg/dl"),
        ("×10^4/μL", "10*4/uL"),
        ("×10⁴/µL", "10*4/uL"),
        ("万/μl", "10*4/ul"),
        ("10³/μL", "10*3/uL"),
        ("×10^2/μL", "10*2/uL"),
        ("百万/μL", "10*6/uL"),
        ("/mm3", "/mm3"),
        ("IU/L", "[IU]/L"),
        ("μIU/mL", "u[IU]/mL"),
        ("mEq/L", "meq/L"),
        ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
        ("mL/分/1.73m2", "mL/min/{1.73_m2}"),
        ("mg/gCr", "mg/g{creat}"),
        ("mmHg", "mm[Hg]"),
        ("℃", "Cel"),
        ("mm/1h", "mm/h"),
        ("歳", "a"),
        ("COI", ""),
        ("", ""),
        ("x" * 100, ""),
    ],
)
def test_what_a_laboratory_writes_is_a_code_of_ucum(written: str, code: str) -> None:
    assert ucum_of(written) == code


@pytest.mark.parametrize(
    ("number", "code", "other", "analyte", "result"),
    [
        ("5.4", "mg/dL", "g/L", "", "0.054"),
        ("20", "10*4/uL", "10*9/L", PLATELETS, "200"),
        ("180.156", "mg/dL", "mmol/L", GLUCOSE, "10"),
        ("140", "meq/L", "mmol/L", SODIUM, "140"),
        ("5", "meq/L", "mg/dL", CALCIUM, "10.0195"),
        ("30", "[IU]/L", "U/L", LD, "30"),
        ("7", "mg/dL", "mg/dL", "", "7"),
    ],
)
def test_what_measures_the_same_is_converted_exactly(
    number: str, code: str, other: str, analyte: str, result: str
) -> None:
    assert converted(Fraction(number), code, other, analyte) == Fraction(result)


@pytest.mark.parametrize(
    ("code", "other", "analyte"),
    [
        ("mg/dL", "mmol/L", POTASSIUM),
        ("mg/dL", "mmol/L", ""),
        ("[IU]/L", "U/L", GLUCOSE),
        ("meq/L", "mmol/L", ""),
        ("%", "mmol/mol", HBA1C),
        ("mL/min", "mL/min/{1.73_m2}", "8A065"),
        ("mg/dL", "", ""),
        ("COI", "mg/dL", ""),
    ],
)
def test_what_measures_another_thing_or_is_not_known_to_measure_the_same_is_not(
    code: str, other: str, analyte: str
) -> None:
    assert converted(Fraction(1), code, other, analyte) is None


def test_what_can_be_converted_measures_the_same() -> None:
    assert measure_of("mg/dL", GLUCOSE) == measure_of("mmol/L", GLUCOSE)
    assert measure_of("%", HBA1C) != measure_of("mmol/mol", HBA1C)
    assert measure_of("", GLUCOSE) is None
