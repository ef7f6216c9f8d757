"""A series as lines of an SVG, which needs no script: the reference range as a band, and the points by site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

Box = tuple[float, float, float]
SMALL = (112.0, 26.0, 3.0)
LARGE = (720.0, 220.0, 14.0)
"""Width, height and margin, in CSS pixels."""

WIDTH, HEIGHT, MARGIN = SMALL


@dataclass(frozen=True, slots=True)
class Point:
    """What is drawn of a result."""

    day: str
    values: tuple[float, ...]
    custodian: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart; coordinates are CSS pixels from the upper left."""

    lines: tuple[str, ...]
    """`points` of polylines."""
    last: tuple[float, float]
    band: tuple[float, float] | None
    """Top and height of the reference range."""
    points: tuple[tuple[float, float, int, str], ...] = ()
    """Place, custodian and day of each first value."""
    edges: tuple[str, str] = ("", "")
    """The values at the lower and the upper edge."""
    bounds: tuple[str, str] = ("", "")
    """The first and the last day."""


def chart(points: Sequence[Point], low: float | None, high: float | None, box: Box = SMALL) -> Chart | None:
    """Return the chart of points in the order of time; None for fewer than two."""
    if len(points) < 2:
        return None
    width, height, margin = box
    days = [date.fromisoformat(one.day).toordinal() for one in points]
    values = [one for point in points for one in point.values]
    ends = [*values, *(one for one in (low, high) if one is not None)]
    bottom, top = min(ends), max(ends)
    spread = (top - bottom) or 1.0

    def x(day: int) -> float:
        return round(margin + (width - 2 * margin) * (day - days[0]) / ((days[-1] - days[0]) or 1), 1)

    def y(found: float) -> float:
        return round(margin + (height - 2 * margin) * (top - found) / spread, 1)

    lines = [
        " ".join(f"{x(day)},{y(one.values[number])}" for day, one in zip(days, points, strict=True))
        for number in range(min(len(one.values) for one in points))
    ]
    band = None
    if low is not None or high is not None:
        upper, lower = y(high if high is not None else top), y(low if low is not None else bottom)
        band = (upper, round(max(lower - upper, 1.0), 1))
    return Chart(
        tuple(lines),
        (x(days[-1]), y(points[-1].values[0])),
        band,
        tuple((x(day), y(one.values[0]), one.custodian, one.day) for day, one in zip(days, points, strict=True)),
        (f"{bottom:.6g}", f"{top:.6g}"),
        (points[0].day, points[-1].day),
    )
