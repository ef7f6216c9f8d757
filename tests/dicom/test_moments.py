from datetime import UTC, datetime

import pytest

from dicom.moments import NotAMoment, moment, range_of


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2024+0000", "2024-01-01", "2025-01-01"),
        ("202412+0000", "2024-12-01", "2025-01-01"),
        ("20240229+0000", "2024-02-29", "2024-03-01"),
        ("2024022910+0000", "2024-02-29T10:00", "2024-02-29T11:00"),
        ("202402291030+0000", "2024-02-29T10:30", "2024-02-29T10:31"),
        ("20240229103015+0000", "2024-02-29T10:30:15", "2024-02-29T10:30:16"),
        ("20240229103060+0000", "2024-02-29T10:31", "2024-02-29T10:31:01"),
        ("20240229103015-0330", "2024-02-29T14:00:15", "2024-02-29T14:00:16"),
        ("20240229103015", "2024-02-29T01:30:15", "2024-02-29T01:30:16"),
    ],
)
def test_a_date_time_covers_what_it_does_not_say(text, begin, end):
    assert moment(text) == (at(begin), at(end) - 1)


def test_a_fraction_is_as_long_as_its_last_digit():
    assert moment("19700101000000.25+0000") == (250_000, 259_999)
    assert moment("19700101000000.250000+0000") == (250_000, 250_000)


def test_the_offset_of_the_data_set_holds_for_what_names_none():
    assert moment("19700101", "+0100")[0] == -3_600_000_000
    assert moment("19700101-0100", "+0100")[0] == 3_600_000_000


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("202401+0000", "2024-01-01", "2024-02-01"),
        ("20240101+0000-20240102+0000", "2024-01-01", "2024-01-03"),
        ("20240101-0500-20240102-0500", "2024-01-01T05:00", "2024-01-03T05:00"),
        ("20240101 - 20240102", "2023-12-31T15:00", "2024-01-02T15:00"),
        ("2023-2024", "2022-12-31T15:00", "2024-12-31T15:00"),
        ("2023-0500", "2023-01-01T05:00", "2024-01-01T05:00"),
        ("2023-1300", "2022-12-31T15:00", "1300-12-31T15:00"),
    ],
)
def test_a_hyphen_is_an_offset_where_it_can_be_one_and_divides_a_range_otherwise(text, low, high):
    assert range_of(text) == (at(low), at(high) - 1)


@pytest.mark.parametrize("text", ["9999", "999912", "99991231", "99991231235959.999999"])
def test_the_last_year_may_end_a_range(text):
    assert range_of(f"2024-{text}")[1] >= at("9999-12-31")
    assert moment(text)[0] > at("9998-12-31")


def test_a_range_may_have_one_end():
    assert range_of("20240101+0000-")[0] == at("2024-01-01")
    assert range_of("20240101+0000-")[1] > at("9999-01-01")
    assert range_of("-20240101+0000")[1] == at("2024-01-02") - 1
    assert range_of("-20240101+0000")[0] < at("0001-01-02")


@pytest.mark.parametrize(
    "text",
    ["", "-", "202", "20241301", "20240230", "2024010125", "20240101x", "20240101-x", "20240101--20240102",
     "0000", "1-2-3", "2024-2025-2026", "٢٠٢٤"],
)  # fmt: skip
def test_what_is_no_date_time_says_so(text):
    with pytest.raises(NotAMoment):
        range_of(text)
