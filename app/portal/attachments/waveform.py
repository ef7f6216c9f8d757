"""Waveforms as lines of an SVG: as many points as the picture has columns, however long the recording is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from app.portal.attachments.mfer import Lead

WIDTH, HEIGHT = 800, 90
"""Of one lead's box, in units of its picture."""

COLUMNS = 800


@dataclass(frozen=True, slots=True)
class Trace:
    """A lead as it is drawn."""

    name: str
    lines: Sequence[str]
    """`points` of polylines: one for each run without a gap."""
    low: str
    high: str
    """The values at the edges of the box, with their unit."""
    seconds: str
    """What the box spans."""


def _columns(values: "np.typing.NDArray[np.float64]") -> list[tuple[float, float]]:
    """Return the points of a lead by (number of the sample, value): the lowest and the highest of each column."""
    if len(values) <= COLUMNS:
        return [(float(at), float(one)) for at, one in enumerate(values)]
    found: list[tuple[float, float]] = []
    edges = np.linspace(0, len(values), COLUMNS + 1).astype(int)
    for start, end in pairwise(edges):
        part = values[start:end]
        if np.isnan(part).all():
            found.append((float(start), float("nan")))
            continue
        ends = sorted({int(np.nanargmin(part)), int(np.nanargmax(part))})
        found += [(float(start + at), float(part[at])) for at in ends]
    return found


def _runs(points: Sequence[tuple[float, float]], low: float, high: float) -> list[str]:
    """Return the lines through points, parted where nothing was recorded."""
    last = max(points[-1][0], 1.0)
    spread = (high - low) or 1.0
    lines: list[list[str]] = [[]]
    for at, value in points:
        if value != value:
            lines.append([])
            continue
        lines[-1].append(f"{WIDTH * at / last:.1f},{2 + (HEIGHT - 4) * (high - value) / spread:.1f}")
    return [" ".join(one) for one in lines if len(one) > 1]


def trace(lead: Lead) -> Trace:
    """Return a lead as it is drawn."""
    seen = lead.values[~np.isnan(lead.values)]
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)
    unit, factor = ("mV", 1000.0) if lead.unit == "V" and max(abs(low), abs(high)) < 1 else (lead.unit, 1.0)
    return Trace(
        name=lead.name,
        lines=_runs(_columns(lead.values), low, high) if len(lead.values) else [],
        low=f"{low * factor:.4g} {unit}".strip(),
        high=f"{high * factor:.4g} {unit}".strip(),
        seconds=f"{len(lead.values) * lead.seconds:.4g}",
    )
