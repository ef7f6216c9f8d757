from datetime import date, timedelta

import pytest

from app.demo.chart import chart
from app.demo.region import region
from app.demo.story import Trend
from app.demo.trends import expected, measured, rounded

REGION = region()
CHART = chart(REGION, "hospital-a", REGION.person("kiichiro").at("hospital-a"))
STEADY = Trend(10, 10, 0, peak=20, fades_days=4, leads_days=8)


@pytest.mark.parametrize(("day", "value"), [(CHART.start, 10.0), (date(2026, 4, 1), 30.0)])
def test_a_trend_runs_from_first_to_last(day, value):
    assert expected(CHART, Trend(10, 30, 0), day) == value


@pytest.mark.parametrize(("days", "value"), [(-16, 12.5), (-8, 15.0), (0, 20.0), (4, 15.0), (8, 12.5)])
def test_a_spike_rises_to_the_event_and_fades(days, value):
    assert expected(CHART, STEADY, CHART.event + timedelta(days=days)) == value


def test_a_sudden_spike_does_not_show_before_the_event():
    sudden = Trend(10, 10, 0, peak=20)

    assert expected(CHART, sudden, CHART.event - timedelta(days=1)) == 10


def test_without_spread_there_is_no_noise():
    assert measured(CHART, "unheard of", CHART.start, Trend(5, 5, 0)) == 5


def test_noise_differs_from_day_to_day():
    days = [CHART.start + timedelta(days=number) for number in range(3)]

    assert len({measured(CHART, "unheard of", day, Trend(5, 5, 1)) for day in days}) == 3


@pytest.mark.parametrize(("value", "decimals", "printed"), [(6.349, 1, 6.3), (140.4, 0, 140), (-0.2, 2, 0.01)])
def test_a_value_is_printed_with_its_decimals_and_never_below_the_smallest(value, decimals, printed):
    assert rounded(value, decimals) == printed
