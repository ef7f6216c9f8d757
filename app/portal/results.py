"""Results over time: a flow sheet of analytes by day, with a small chart of each.

Results of several sites share a row when code and unit are the same; each value says which site it is of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.portal.items import Item, Json
from app.portal.values import bounds, concept, number, reference_range, value

WIDTH, HEIGHT, MARGIN = 112.0, 26.0, 3.0
"""Of a chart, in CSS pixels."""

_SYSTEMS = (
    "http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationLabResultCode_CoreLabo_CS",
    "http://loinc.org",
    "urn:oid:1.2.392.200119.4.504",
)
"""Whose code names a row, the best first: JP-CLINS core analytes, LOINC, JLAC10."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value."""

    text: str
    """The number or the words, without the unit."""
    flag: str
    custodian: int
    time: str
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A small line chart; coordinates are CSS pixels from the upper left."""

    lines: tuple[str, ...]
    """`points` of polylines."""
    last: tuple[float, float]
    band: tuple[float, float] | None
    """Top and height of the reference range."""


@dataclass(slots=True)
class Row:
    """An analyte."""

    name: str
    unit: str
    range: str = ""
    order: tuple[int, str] = (9, "")
    cells: dict[str, list[Cell]] = field(default_factory=dict)
    """By day."""
    chart: Chart | None = None

    @property
    def latest(self) -> tuple[str, Cell]:
        """The newest day and its last value."""
        day = max(self.cells)
        return day, self.cells[day][-1]

    def newest(self, count: int) -> list[tuple[str, Cell]]:
        """Return the last value of each of the newest days."""
        return [(day, self.cells[day][-1]) for day in sorted(self.cells, reverse=True)[:count]]


@dataclass(frozen=True, slots=True)
class FlowSheet:
    """Analytes by day, the newest day first."""

    days: Sequence[str]
    rows: Sequence[Row]


def _key(observation: Json) -> tuple[tuple[int, str], str]:
    """Return the order of an analyte's row (its system's rank and its code) and the name it has there."""
    codings = {one.get("system"): one for one in observation.get("code", {}).get("coding", ())}
    for rank, system in enumerate(_SYSTEMS):
        if system in codings and codings[system].get("code"):
            return (rank, str(codings[system]["code"])), str(codings[system].get("display", ""))
    return (len(_SYSTEMS), concept(observation.get("code"))), ""


def _unit(observation: Json) -> str:
    parts = [observation, *observation.get("component", ())]
    units = [one["valueQuantity"].get("unit", "") for one in parts if "valueQuantity" in one]
    return str(units[0]) if units else ""


def _numbers(observation: Json) -> tuple[float, ...]:
    parts = observation.get("component") or (observation,)
    found = [number(one.get("valueQuantity")) for one in parts]
    return tuple(one for one in found if one is not None)


def _chart(points: Sequence[tuple[str, tuple[float, ...]]], low: float | None, high: float | None) -> Chart | None:
    """Return the chart of (day, values) in the order of time; None for fewer than two days."""
    if len(points) < 2:
        return None
    days = [date.fromisoformat(day).toordinal() for day, _ in points]
    values = [one for _, found in points for one in found]
    edges = [*values, *(one for one in (low, high) if one is not None)]
    bottom, top = min(edges), max(edges)
    spread = (top - bottom) or 1.0

    def x(day: int) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (day - days[0]) / ((days[-1] - days[0]) or 1), 1)

    def y(found: float) -> float:
        return round(MARGIN + (HEIGHT - 2 * MARGIN) * (top - found) / spread, 1)

    lines = []
    for number_ in range(min(len(found) for _, found in points)):
        pairs = [f"{x(day)},{y(found[number_])}" for day, (_, found) in zip(days, points, strict=True)]
        lines.append(" ".join(pairs))
    band = None
    if low is not None or high is not None:
        upper, lower = y(high if high is not None else top), y(low if low is not None else bottom)
        band = (upper, round(max(lower - upper, 1.0), 1))
    return Chart(tuple(lines), (x(days[-1]), y(points[-1][1][0])), band)


def _short(item: Item, unit: str) -> str:
    text = value(item.body)
    return text.removesuffix(unit).strip() if unit else text


def flow_sheet(items: Iterable[Item]) -> FlowSheet:
    """Return the flow sheet of Observations; those without a day or a result are left out."""
    rows: dict[tuple[tuple[int, str], str], Row] = {}
    points: dict[tuple[tuple[int, str], str], list[tuple[str, tuple[float, ...]]]] = {}
    ranges: dict[tuple[tuple[int, str], str], tuple[float | None, float | None]] = {}
    for item in sorted(items, key=lambda one: (one.day, one.time)):
        if item.type != "Observation" or len(item.day) != 10 or not value(item.body):
            continue
        order, name = _key(item.body)
        unit = _unit(item.body)
        key = (order, unit)
        row = rows.setdefault(
            key, Row(name=item.title if item.body["code"].get("text") else name or item.title, unit=unit)
        )
        row.order, row.range = order, reference_range(item.body) or row.range
        cell = Cell(_short(item, unit), item.flag, item.custodian, item.time, item.sensitive)
        row.cells.setdefault(item.day, []).append(cell)
        if found := _numbers(item.body):
            points.setdefault(key, []).append((item.day, found))
            ranges[key] = bounds(item.body)
    for key, row in rows.items():
        row.chart = _chart(points.get(key, ()), *ranges.get(key, (None, None)))
    days = sorted({day for row in rows.values() for day in row.cells}, reverse=True)
    return FlowSheet(days, sorted(rows.values(), key=lambda row: (row.order, row.unit)))
