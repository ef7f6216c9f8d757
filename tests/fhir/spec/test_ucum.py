from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.spec import ucum, units
from fhir.spec.ucum import Unit, convert, read


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("mg/dL", "mg.dL-1"),
        ("/uL", "uL-1"),
        ("10*3/uL", "10^9/L"),
        ("{cells}/uL", "/uL"),
        ("mL/min/{1.73_m2}", "mL/min"),
        ("kg.m/s2", "N"),
        ("L", "l"),
        ("g/(24.h)", "g/d"),
        ("mm[Hg]", "10*-3.m[Hg]"),
        ("k[IU]/L", "[iU]/mL"),
        ("%", "10*-2"),
        ("a", "a_j"),
        ("dyn.s/cm5", "dyn.s.cm-5"),
        ("kat", "mol/s"),
        ("1", "{score}"),
        ("cd", "cd{light}"),
        ("das", "10.s"),
    ],
)
def test_codes_that_mean_the_same_are_read_alike(code, same):
    assert read(code) == read(same) is not None


@pytest.mark.parametrize(
    ("code", "factor", "base"),
    [
        ("kg", 1000, "g"),
        ("ug/mL", Fraction(1, 1000), "g/L"),
        ("10*4/uL", 10**10, "/L"),
        ("U", Fraction(1, 60), "umol/s"),
        ("mm[Hg]", Fraction("133.322"), "Pa"),
        ("[lb_av]", Fraction("453.59237"), "g"),
        ("[in_i]", Fraction("2.54"), "cm"),
        ("mo", Fraction("30.4375"), "d"),
        ("min", 60, "s"),
        ("Pa", 1, "N/m2"),
        ("mPa.s", 1, "cP"),
        ("uSv", Fraction(1, 10), "mREM"),
    ],
)
def test_a_code_is_so_many_of_another(code, factor, base):
    assert convert(Fraction(1), read(code), read(base)) == factor
    assert read(code).dimension == read(base).dimension


@pytest.mark.parametrize(
    ("celsius", "other", "expected"), [(37, "K", "310.15"), (37, "[degF]", "98.6"), (-40, "[degF]", "-40")]
)
def test_temperatures_have_a_zero_of_their_own(celsius, other, expected):
    assert convert(Fraction(celsius), read("Cel"), read(other)) == Fraction(expected)


@pytest.mark.parametrize(
    "code",
    ["", "mg/", "/", "mg//dL", "TAB", "month", "tablet", "mg dL", "mg/Cel", "m100", "10*400", "kmin", "(m", "m)", "0.m",
     "mg/dL ", "é", "((((((m))))))", "m" * 65, "[nothing]", "{a", "{a}b", "10*99", "㎎"],
)  # fmt: skip
def test_what_is_not_of_ucum_is_not_read(code):
    assert read(code) is None


@given(st.text(alphabet="mgLukdaIU[]{}()./*^0123456789-+%'", max_size=70))
def test_any_text_is_read_or_not(code):
    assert read(code) is None or isinstance(read(code), Unit)


def test_every_unit_in_use_is_read_and_a_search_may_ask_for_several():
    codes = dict.fromkeys(" ".join(units._IN_USE).split())

    assert [code for code in codes if read(code) is None] == []
    assert max(len(units.commensurable(code)) for code in codes) < 70
    assert [code for code in (*ucum._METRIC, *ucum._OTHER) if read(code) is None] == []


def test_a_unit_that_is_not_in_use_is_found_in_those_that_are():
    assert "g" in units.commensurable("hg")
    assert units.commensurable("TAB") == ()
