import pytest

from dicom.instants import instant


@pytest.mark.parametrize(
    ("date", "time", "offset", "microseconds"),
    [
        ("19700101", "090000", "+0900", 0),
        ("19700101", "090000", "", 0),
        ("19700101", "090000", "nonsense", 0),
        ("19700101", "000000", "+0000", 0),
        ("19691231", "190000", "-0500", 0),
        ("20240501", "093000.5", "+0900", 1_714_523_400_500_000),
        ("20240501", "", "+0900", 1_714_489_200_000_000),
        ("20161231", "235960", "+0000", 1_483_228_800_000_000),
        ("19250101", "000000", "+0000", -1_420_070_400_000_000),
    ],
)
def test_a_date_and_time_become_an_instant(date, time, offset, microseconds):
    assert instant(date, time, offset, default_offset_minutes=540) == microseconds


@pytest.mark.parametrize("date", ["", "20240230", "00000101", "2024"])
def test_a_day_no_calendar_has_is_no_instant(date):
    assert instant(date, "120000", "", default_offset_minutes=540) is None
