"""The figures of a run: a table for people, `benchmarks/latest.json` for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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
    scale: int | None = None
    """How many times the data of 1× were there; None where there were none."""
    processor_milliseconds: float | None = None
    """Processor time of the hub and its database server for one of what is counted."""
    growth: float | None = None
    """The cost of one as a multiple of that at 1×: by processor time where that is known."""
    growth_bar: float | None = None
    """What the growth must stay below."""

    @property
    def holds(self) -> bool:
        """Whether the bars are kept."""
        if self.growth is not None and self.growth_bar is not None and self.growth > self.growth_bar:
            return False
        if self.bar is None:
            return True
        return self.value <= self.bar if self.ratio is None else self.ratio >= self.bar

    @property
    def cost(self) -> float:
        """What one of what is counted costs; comparable with the same figure at another scale only."""
        if self.processor_milliseconds is not None:
            return self.processor_milliseconds
        return 1 / self.value if self.unit.endswith("/s") else self.value


def grown(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures, those of more than 1× with their growth if the run has 1× as well."""
    small = {(one.name, one.database): one for one in figures if one.scale == 1}
    found = []
    for one in figures:
        before = small.get((one.name, one.database))
        # Less than a tick of the clock cannot be compared.
        if one.scale in (None, 1) or before is None or not before.cost:
            found.append(one)
        else:
            found.append(replace(one, growth=one.cost / before.cost))
    return found


def _text(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _mark(one: Figure) -> str:
    if one.holds:
        return ""
    if one.growth is not None and one.growth_bar is not None and one.growth > one.growth_bar:
        return "  GROWS"
    return "  BELOW" if one.ratio is not None else "  ABOVE"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of fixed width."""
    head = f"{'figure':34} {'database':11} {'scale':>5} {'hub':>9} {'bare':>9} {'ratio':>6} {'bar':>6}"
    head += f" {'cpu ms':>7} {'growth':>6}  unit"
    lines = [head, "-" * len(head)]
    for one in figures:
        scale = "-" if one.scale is None else f"{one.scale}x"
        numbers = f"{_text(one.value):>9} {_text(one.yardstick):>9} {_text(one.ratio):>6} {_text(one.bar):>6}"
        grown = f"{_text(one.processor_milliseconds):>7} {_text(one.growth):>6}"
        lines.append(f"{one.name:34} {one.database:11} {scale:>5} {numbers} {grown}  {one.unit}{_mark(one)}")
    return "\n".join(lines)


def write(figures: Sequence[Figure], path: Path = LATEST) -> None:
    """Write the figures as a JSON list of objects with the fields of `Figure`."""
    path.write_bytes(orjson.dumps([asdict(one) for one in figures], option=orjson.OPT_INDENT_2) + b"\n")
