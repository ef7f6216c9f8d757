"""The figures of a run: a table for people, `benchmarks/latest.json` for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

LATEST = Path(__file__).with_name("latest.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `yardstick` is the bare one of the same run, None where there is none."""

    name: str
    value: float
    unit: str
    database: str
    yardstick: float | None = None
    ratio: float | None = None
    bar: float | None = None
    """What the ratio must reach; for a figure without a yardstick what the value must stay below."""

    @property
    def holds(self) -> bool:
        """Whether the bar is kept."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.ratio is None else self.ratio >= self.bar


def _text(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of fixed width."""
    head = f"{'figure':34} {'database':11} {'hub':>9} {'bare':>9} {'ratio':>6} {'bar':>6}  unit"
    lines = [head, "-" * len(head)]
    for one in figures:
        mark = "" if one.holds else "  BELOW" if one.ratio is not None else "  ABOVE"
        numbers = f"{_text(one.value):>9} {_text(one.yardstick):>9} {_text(one.ratio):>6} {_text(one.bar):>6}"
        lines.append(f"{one.name:34} {one.database:11} {numbers}  {one.unit}{mark}")
    return "\n".join(lines)


def write(figures: Sequence[Figure], path: Path = LATEST) -> None:
    """Write the figures as a JSON list of `{name, value, yardstick, ratio, unit, database}` and `bar`."""
    path.write_bytes(orjson.dumps([asdict(one) for one in figures], option=orjson.OPT_INDENT_2) + b"\n")
