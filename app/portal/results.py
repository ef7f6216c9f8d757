"""Results over time: a flow sheet of analytes by day, with a chart of each.

Results of several sites share a row when their tests are one series (`app/portal/series/codes.py`) and their units
measure the same. Each value says which site it is of, and stands in the digits and the unit it was sent in.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.portal.items import Item, Json
from app.portal.ranges import NOBODY, Subject, fit, told
from app.portal.series.chart import SMALL, Box, Chart, Point, chart
from app.portal.series.codes import NONE, Analyte, Bindings, analyte_of, bound, codings
from app.portal.series.units import Measure, Measured, in_unit, is_same, measure, measured, shown, unit_of_series
from app.portal.values import interpretation, reference_range, value


@dataclass(frozen=True, slots=True)
class Cell:
    """One value."""

    text: str
    """The number or the words as sent, without the unit of the row."""
    flag: str
    custodian: int
    time: str
    sensitive: bool = False
    unit: str = ""
    """As sent, when it is not in the text."""
    lacks_unit: bool = False
    """Whether it is a number without a unit in a row that has one."""
    converted: str = ""
    """The number in the row's unit, when it was sent in another."""
    range: str = ""
    """The reference range that is the person's."""
    ranges: tuple[tuple[str, bool], ...] = ()
    """All that were sent, each with what it is for, and whether it is the person's."""
    codes: tuple[str, ...] = ()
    """The codes it was sent with."""
    method: str = ""
    """Of JLAC10: material and method."""
    name: str = ""
    id: str = ""


@dataclass(slots=True)
class Row:
    """A series."""

    name: str
    unit: str
    key: str = ""
    material: str = ""
    range: str = ""
    """Of the newest result."""
    ranges_differ: bool = False
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


@dataclass(frozen=True, slots=True)
class _Result:
    """A result, and what was read of it."""

    item: Item
    analyte: Analyte
    measured: Measured

    @property
    def measure(self) -> Measure:
        return measure(self.measured, self.analyte.code)


def _in_series(results: Iterable[_Result]) -> list[list[_Result]]:
    """Return results by series: of one analyte and measure. Words, and numbers without a unit, join the largest."""
    by_key: dict[str, dict[Measure, list[_Result]]] = {}
    for one in results:
        by_key.setdefault(one.analyte.key, {}).setdefault(one.measure, []).append(one)
    found = []
    for measures in by_key.values():
        without = measures.pop((), [])
        largest = max(measures.values(), key=len, default=None)
        if largest is None:
            found.append(without)
            continue
        largest += without
        largest.sort(key=lambda one: (one.item.day, one.item.time))
        found += measures.values()
    return [one for one in found if one]


def _short(item: Item, unit: str) -> str:
    text = value(item.body)
    return text.removesuffix(unit).strip() if unit else text


def _methods(item: Item, bindings: Bindings) -> str:
    jlac10 = bound(item, bindings)
    return f"{jlac10.material}-{jlac10.method}" if jlac10 else ""


def _cell(result: _Result, of: Measured, who: Subject, bindings: Bindings) -> Cell:
    item, code = result.item, result.analyte.code
    same = is_same(result.measured, of, code)
    numbers = () if same else in_unit(result.measured, of, code)
    chosen = fit(item.body, who, item.day)
    return Cell(
        text=_short(item, result.measured.unit if same else ""),
        flag=interpretation(item.body, who, item.day),
        custodian=item.custodian,
        time=item.time,
        sensitive=item.sensitive,
        unit=result.measured.unit if same else "",
        lacks_unit="valueQuantity" in item.body and not result.measured.unit and bool(of.unit),
        converted="/".join(shown(number, result.measured.digits) for number in numbers),
        range=reference_range(item.body, who, item.day),
        ranges=tuple((told(one), number == chosen) for number, one in enumerate(item.body.get("referenceRange", ()))),
        codes=tuple(code for _, code in codings(item)),
        method=_methods(item, bindings),
        name=item.title,
        id=item.id,
    )


def _limits(result: _Result, of: Measured, who: Subject) -> tuple[float | None, float | None]:
    """Return the person's range in the unit of the series."""
    chosen = fit(result.item.body, who, result.item.day)
    if chosen is None:
        return None, None
    ends: list[float | None] = []
    for side in ("low", "high"):
        end: Json = result.item.body["referenceRange"][chosen].get(side, {})
        own = measured({"valueQuantity": {"unit": result.measured.unit, "code": result.measured.code, **end}})
        numbers = in_unit(own, of, result.analyte.code)
        ends.append(float(numbers[0]) if numbers else None)
    return ends[0], ends[1]


def _row(results: Sequence[_Result], who: Subject, bindings: Bindings, box: Box) -> Row:
    first, newest = results[0], results[-1]
    of = unit_of_series([one.measured for one in results])
    names = Counter(one.item.title for one in results)
    row = Row(
        names.most_common(1)[0][0], of.unit, first.analyte.key, newest.analyte.material, order=first.analyte.order
    )
    points = []
    for one in results:
        cell = _cell(one, of, who, bindings)
        row.cells.setdefault(one.item.day, []).append(cell)
        numbers = in_unit(one.measured, of, one.analyte.code)
        if numbers:
            points.append(Point(one.item.day, tuple(map(float, numbers)), one.item.custodian))
    ranged = [one for one in results if one.item.body.get("referenceRange")]
    if ranged:
        texts = [reference_range(one.item.body, who, one.item.day) for one in ranged]
        row.range, row.ranges_differ = texts[-1], len(set(filter(None, texts))) > 1
        row.chart = chart(points, *_limits(ranged[-1], of, who), box)
    else:
        row.chart = chart(points, None, None, box)
    return row


def flow_sheet(items: Iterable[Item], who: Subject = NOBODY, bindings: Bindings = NONE, box: Box = SMALL) -> FlowSheet:
    """Return the flow sheet of Observations; those without a day or a result are left out.

    Args:
        items: What may be in it.
        who: The person, as far as reference ranges depend on it.
        bindings: What codes of sites are bound to.
        box: The size of the charts.
    """
    results = [
        _Result(item, analyte_of(item, bindings), measured(item.body))
        for item in sorted(items, key=lambda one: (one.day, one.time))
        if item.type == "Observation" and len(item.day) == 10 and value(item.body)
    ]
    rows = [_row(one, who, bindings, box) for one in _in_series(results)]
    days = sorted({day for row in rows for day in row.cells}, reverse=True)
    return FlowSheet(days, sorted(rows, key=lambda row: (row.order, row.unit)))
