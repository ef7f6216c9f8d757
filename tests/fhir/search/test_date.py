import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.errors import InvalidValue
from fhir.search import date
from fhir.search.date import JST, MAX, MIN, interval
from fhir.search.values import DateValue

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND


def micros(text):
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00+09:00", "2025-01-01T00:00:00+09:00"),
        ("2023", "2023-01-01T00:00:00+09:00", "2024-01-01T00:00:00+09:00"),
        ("1900", "1900-01-01T00:00:00+09:00", "1901-01-01T00:00:00+09:00"),
        ("2024-02", "2024-02-01T00:00:00+09:00", "2024-03-01T00:00:00+09:00"),
        ("2023-12", "2023-12-01T00:00:00+09:00", "2024-01-01T00:00:00+09:00"),
        ("2024-02-29", "2024-02-29T00:00:00+09:00", "2024-03-01T00:00:00+09:00"),
        ("2024-05-06T07:08", "2024-05-06T07:08:00+09:00", "2024-05-06T07:09:00+09:00"),
        ("2024-05-06T07:08Z", "2024-05-06T07:08:00+00:00", "2024-05-06T07:09:00+00:00"),
        ("2024-05-06T07:08:09", "2024-05-06T07:08:09+09:00", "2024-05-06T07:08:10+09:00"),
        ("2024-05-06T07:08:09-03:30", "2024-05-06T07:08:09-03:30", "2024-05-06T07:08:10-03:30"),
        ("2024-05-06T07:08:09 09:00", "2024-05-06T07:08:09+09:00", "2024-05-06T07:08:10+09:00"),
        ("2024-05-06T07:08:09.1Z", "2024-05-06T07:08:09.1+00:00", "2024-05-06T07:08:09.2+00:00"),
        ("2024-05-06T07:08:09.123Z", "2024-05-06T07:08:09.123+00:00", "2024-05-06T07:08:09.124+00:00"),
        (
            "2024-05-06T07:08:09.123456789Z",
            "2024-05-06T07:08:09.123456+00:00",
            "2024-05-06T07:08:09.123457+00:00",
        ),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00", "2017-01-01T00:00:01+00:00"),
        ("2024-05-06T07:08:09+14:00", "2024-05-05T17:08:09+00:00", "2024-05-05T17:08:10+00:00"),
    ],
    ids=[
        "leap year",
        "year",
        "century",
        "leap month",
        "last month",
        "day",
        "minute",
        "minute in UTC",
        "second without a zone",
        "zone of half an hour",
        "a plus that became a space",
        "tenth",
        "millisecond",
        "finer than a microsecond",
        "leap second",
        "farthest zone",
    ],
)
def test_a_partial_date_covers_an_interval(text, start, end):
    assert interval(text) == (micros(start), micros(end))


def test_the_first_and_the_last_date_have_an_interval():
    assert interval("0001", dt.UTC) == (
        micros("0001-01-01T00:00:00+00:00"),
        micros("0002-01-01T00:00:00+00:00"),
    )
    assert interval("9999-12-31", dt.UTC)[1] == micros("9999-12-31T23:59:59+00:00") + SECOND
    assert interval("9999-12", dt.UTC)[1] == interval("9999", dt.UTC)[1]
    assert interval("0001")[0] > MIN
    assert interval("9999")[1] < MAX


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "2024-13",
        "2024-00",
        "2024-02-30",
        "1900-02-29",
        "0000",
        "2024-5-6",
        "20240506",
        "2024-05-06T24:00",
        "2024-05-06T07",
        "2024-05-06T07:60",
        "2024-05-06T07:08:61Z",
        "2024-05-06T07:08:09+15:00",
        "2024-05-06T07:08:09+14:30",
        "2024-02-30T07:08:09+09:00",
        "2024-05-06T24:08:09+09:00",
        "2024-W19-1T07:08:09+09:00",
        "2024-05-06 07:08",
        "2024-05-06Z",
        "２０２４",
        "2024\n",
    ],
)
def test_what_is_not_a_date_is_refused(text):
    with pytest.raises(InvalidValue):
        interval(text)


moments = st.datetimes(
    min_value=dt.datetime(2, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=dt.datetime(9998, 12, 31),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
)


@given(moments)
def test_a_moment_begins_where_the_calendar_says(moment):
    lo, hi = interval(moment.isoformat(timespec="microseconds"))

    assert lo == (moment - EPOCH) // dt.timedelta(microseconds=1)
    assert hi == lo + 1


@given(moments.map(lambda moment: moment.astimezone(JST).replace(microsecond=0)))
def test_a_second_of_japanese_time_is_that_of_any_other_zone(moment):
    lo, hi = interval(moment.isoformat())

    assert (lo, hi) == interval(moment.astimezone(dt.UTC).isoformat())
    assert hi - lo == SECOND


@given(moments)
def test_each_precision_lies_within_the_coarser_one(moment):
    zone = moment.tzinfo
    whole = moment.isoformat(timespec="microseconds")
    seconds, offset = whole[:19], whole[26:]
    texts = [
        whole[:4],
        whole[:7],
        whole[:10],
        whole[:16] + offset,
        seconds + offset,
        whole[:23] + offset,
        whole,
    ]

    intervals = [interval(text, zone) for text in texts]

    for (outer_lo, outer_hi), (lo, hi) in itertools.pairwise(intervals):
        assert outer_lo <= lo < hi <= outer_hi


@given(st.dates(max_value=dt.date(9998, 12, 31)))
def test_days_follow_each_other_without_a_gap(day):
    following = day + dt.timedelta(days=1)

    assert interval(day.isoformat())[1] == interval(following.isoformat())[0]
    assert interval(day.isoformat()[:7])[1] >= interval(day.isoformat())[1]


@pytest.mark.parametrize(
    ("period", "rows"),
    [
        ({"start": "2024-05", "end": "2024-06"}, [(interval("2024-05")[0], interval("2024-06")[1])]),
        ({"start": "2024-05-06"}, [(interval("2024-05-06")[0], MAX)]),
        ({"end": "2024-05-06"}, [(MIN, interval("2024-05-06")[1])]),
        ({}, []),
        ({"start": "yesterday"}, []),
    ],
    ids=["closed", "no end", "no start", "neither", "not a date"],
)
def test_a_period_reaches_from_its_start_to_the_end_of_its_end(period, rows):
    assert date.of_period(period, zone=JST) == rows


@pytest.mark.parametrize(
    ("timing", "rows"),
    [
        ({"event": ["2024-05-07", "2024-05-06"]}, [(interval("2024-05-06")[0], interval("2024-05-07")[1])]),
        (
            {"repeat": {"boundsPeriod": {"start": "2024", "end": "2025"}, "frequency": 1}},
            [(interval("2024")[0], interval("2025")[1])],
        ),
        (
            {"event": ["2026"], "repeat": {"boundsPeriod": {"start": "2024", "end": "2025"}}},
            [(interval("2024")[0], interval("2026")[1])],
        ),
        ({"repeat": {"boundsDuration": {"value": 3}}}, []),
        ({"code": {"text": "朝食後"}}, []),
    ],
    ids=["events", "bounds", "both", "a duration has no date", "only a code"],
)
def test_a_timing_is_its_outer_limits(timing, rows):
    assert date.of_timing(timing, zone=JST) == rows


def test_a_date_without_a_zone_is_meant_in_the_zone_of_the_region():
    extract = date.extractors(dt.UTC)["date"]

    assert extract("2024-05-06") == [(micros("2024-05-06T00:00:00+00:00"), micros("2024-05-07T00:00:00+00:00"))]


def test_a_query_is_a_prefix_and_a_date():
    assert date.parse("ge2024-05-06") == DateValue("ge", *interval("2024-05-06"))
    assert date.parse("2024-05-06", dt.UTC) == DateValue("eq", *interval("2024-05-06", dt.UTC))
    with pytest.raises(InvalidValue):
        date.parse("xx2024")


@pytest.mark.parametrize(("now", "gap"), [("2024-05-17", DAY), ("2024-04-26", DAY), ("2024-05-06", 0)])
def test_approximately_is_a_tenth_of_the_time_until_now(now, gap):
    value = date.parse("ap2024-05-06")

    lo, hi = date.approximate(value, interval(now)[0])

    assert (value.lo - lo, hi - value.hi) == (gap, gap)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2011-06-27T09:30:10+01:00", True),
        ("2011-06", True),
        ("毎週月曜", False),
        ("2011年", False),
        ("20110627", False),
    ],
)
def test_a_text_is_a_date_if_it_is_written_as_one(text, found):
    assert date.extractors(JST)["string"](text) == ([interval(text)] if found else [])
