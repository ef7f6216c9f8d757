import pytest

from fhir.spec.jlac10 import is_enzyme, read

SYSTEM = "urn:oid:1.2.392.200119.4.504"


def test_a_code_has_five_parts() -> None:
    found = read(SYSTEM, "3D010129902327101")

    assert found == ("3D010", "1299", "023", "271", "01")


@pytest.mark.parametrize(
    ("code", "series"),
    [
        ("3C015000002327101", "3C015-0000-blood"),
        ("3C015000002226201", "3C015-0000-blood"),
        ("3C015000000127101", "3C015-0000-001"),
        ("3D046000002106202", "3D046-0000-blood"),
        ("5F016141002302301", "5F016-1410-blood"),
        ("5F016141002302311", "5F016-1410-blood-11"),
        ("5F016141002302331", "5F016-1410-blood-31"),
        ("2A990000001930951", "2A020-0000-blood"),
        ("2A990000001930952", "2A010-0000-blood"),
        ("2A990000001930955", "2A050-0000-blood"),
        ("2A050000001930101", "2A050-0000-blood"),
        ("2A990000001930956", "2A990-0000-blood-56"),
        ("1A990000000190153", "1A990-0000-001-53"),
        ("1A990000000190154", "1A990-0000-001-54"),
    ],
)
def test_methods_share_a_series_and_materials_and_results_do_not(code: str, series: str) -> None:
    found = read(SYSTEM, code)

    assert found is not None
    assert found.series == series


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("http://loinc.org", "3D010129902327101"),
        (SYSTEM, "ALB"),
        (SYSTEM, "3D0101299023271011"),
        (SYSTEM, None),
        (None, ""),
    ],
)
def test_another_system_or_form_is_none(system: object, code: object) -> None:
    assert read(system, code) is None


def test_enzymes_are_told() -> None:
    assert [is_enzyme(one) for one in ("3B035", "3D010")] == [True, False]
