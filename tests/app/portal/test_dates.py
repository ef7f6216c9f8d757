from datetime import date

import pytest

from app.portal.dates import age, era, in_japan, moment, to_microseconds, typed_date


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-05-01T01:30:00Z", ("2024-05-01", "10:30")),
        ("2024-05-01T20:00:00Z", ("2024-05-02", "05:00")),
        ("2024-05-01T10:00:00+09:00", ("2024-05-01", "10:00")),
        ("2024-05-01T10:00:00", ("2024-05-01", "10:00")),
        ("2024-05-01T25:61:00Z", ("2024-05-01", "")),
        ("9999-12-31T23:59:59Z", ("9999-12-31", "")),
        ("0001-01-01T00:00:00+14:00", ("0001-01-01", "")),
        ("2024-05-01", ("2024-05-01", "")),
        ("2024-05", ("2024-05", "")),
        ("", ("", "")),
    ],
)
def test_a_fhir_date_is_shown_in_japans_time(text: str, shown: tuple[str, str]) -> None:
    assert in_japan(text) == shown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1951-03-08", "1951-03-08"),
        ("1951/3/8", "1951-03-08"),
        ("1951.3.8", "1951-03-08"),
        ("1951年3月8日", "1951-03-08"),
        ("19510308", "1951-03-08"),
        ("S26.3.8", "1951-03-08"),
        ("s26/3/8", "1951-03-08"),
        ("昭和26年3月8日", "1951-03-08"),
        ("令和元年5月1日", "2019-05-01"),
        ("H1.1.8", "1989-01-08"),
        ("T15.12.24", "1926-12-24"),
        ("M45-7-29", "1912-07-29"),
        ("1951-02-30", ""),
        ("S26.13.1", ""),
        ("04760005", ""),
        ("21510308", ""),
        ("高橋", ""),
    ],
)
def test_a_typed_date_is_understood(typed: str, meant: str) -> None:
    assert typed_date(typed) == meant


@pytest.mark.parametrize(
    ("born", "years"),
    [("1951-03-08", 75), ("1951-03-09", 74), ("2026-03-08", 0), ("1951-03", None), ("", None), ("2024-02-29", 2)],
)
def test_an_age_is_in_whole_years(born: str, years: int | None) -> None:
    assert age(born, date(2026, 3, 8)) == years


@pytest.mark.parametrize(
    ("born", "name"),
    [
        ("1951-03-08", "昭和26年"),
        ("1989-01-07", "昭和64年"),
        ("1989-01-08", "平成元年"),
        ("2019-05-01", "令和元年"),
        ("1867-12-31", ""),
        ("1951", ""),
    ],
)
def test_a_birth_year_has_an_era(born: str, name: str) -> None:
    assert era(born) == name


def test_a_day_begins_at_midnight_in_japan() -> None:
    begins = to_microseconds(date(2024, 5, 1))

    assert begins == 1_714_489_200_000_000
    assert moment(begins).isoformat() == "2024-05-01T00:00:00+09:00"
