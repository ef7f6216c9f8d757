"""Trends: what a value is on a day. It belongs to the person, so two sites measure the same curve."""

from datetime import date

from app.demo.chart import Chart
from app.demo.seeds import draw
from app.demo.story import Trend


def measured(chart: Chart, name: str, day: date, usual: Trend) -> float:
    """Return a value on a day, unrounded: the trend, the person's own level, and noise.

    Args:
        chart: Whose value.
        name: The analyte or vital sign.
        day: When.
        usual: How it runs where the story does not say.
    """
    trend = chart.story.trends.get(name, usual)
    own = draw(chart.region.seed, "level", chart.person.slug, name).gauss(0, 1.5 * trend.spread)
    noise = chart.draw("noise", name, day).gauss(0, trend.spread)
    return expected(chart, trend, day) + own + noise


def expected(chart: Chart, trend: Trend, day: date) -> float:
    """Return the value of a trend on a day, without noise."""
    whole = max((chart.region.today - chart.start).days, 1)
    value = trend.first + (trend.last - trend.first) * (day - chart.start).days / whole
    if trend.peak is None:
        return value
    return value + (trend.peak - value) * _spike(trend, (day - chart.event).days)


def _spike(trend: Trend, days: int) -> float:
    # The height of the spike, 0 to 1, so many days after the event (before it, where negative).
    if days >= 0:
        return float(0.5 ** (days / trend.fades_days))
    return float(0.5 ** (-days / trend.leads_days)) if trend.leads_days else 0.0


def rounded(value: float, decimals: int) -> float | int:
    """Return a value as a laboratory prints it: at least its smallest step, whole without decimals."""
    least = max(value, 10.0**-decimals)
    return round(least, decimals) if decimals else round(least)
