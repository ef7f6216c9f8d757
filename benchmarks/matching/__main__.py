"""`python -m benchmarks.matching`: how well the patient index tells people apart, and what it costs as it grows."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from app.db.migrate import upgrade
from app.lifecycle import open_hub
from app.settings import Settings
from benchmarks.matching.measure import Found, measure

PEOPLE = 19_000
"""They have somewhat more than 40,000 records and 35,000 true pairs."""

BARS = (
    ("precision of links", "precision", 0.9999, 1),
    ("recall of links", "recall", 0.80, 1),
    ("recall with the queue", "recall_with_queue", 0.97, 1),
    ("queue, of the records", "queue", 0.05, -1),
    ("candidates decided a second", "decided_per_second", 500.0, 1),
)
"""What is measured, its name, the bar, and whether it must be above (1) or below (-1)."""


def holds(found: Found, name: str, bar: float, side: int) -> bool:
    """Return whether a figure keeps its bar."""
    return (float(getattr(found, name)) - bar) * side >= 0


def table(sizes: list[Found]) -> str:
    """Return the figures as a table, a column a size."""
    rows = [("records", [f"{one.records:,}" for one in sizes], "")]
    rows.append(("true pairs", [f"{one.pairs:,}" for one in sizes], ""))
    for title, name, bar, side in BARS:
        shown = [f"{getattr(one, name):,.5f}" if bar <= 1 else f"{getattr(one, name):,.0f}" for one in sizes]
        rows.append((title, shown, f"{'≥' if side > 0 else '≤'} {bar:g}"))
    rows.append(("wrong links (pairs)", [f"{one.wrong}" for one in sizes], ""))
    rows.append(("candidates of a Patient", [f"{one.candidates:.1f}" for one in sizes], "near the same"))
    rows.append(("µs to match a Patient", [f"{one.match_microseconds:,.0f}" for one in sizes], ""))
    rows.append(("records written a second", [f"{one.written_per_second:,.0f}" for one in sizes], ""))
    lines = [f"| {title} | {' | '.join(shown)} | {bar} |" for title, shown, bar in rows]
    head = f"| | {' | '.join(f'{one.records / sizes[0].records:.0f}×' for one in sizes)} | bar |"
    return "\n".join([head, "|---" * (len(sizes) + 2) + "|", *lines])


async def _measured(folder: Path, count: int, seed: int) -> Found:
    settings = Settings(home=folder)
    upgrade(settings)
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        return await measure(hub, count, seed)
    finally:
        await hub.close()


def main() -> int:
    """Measure at one, two and four times the size, and return 0 if every bar is kept at the largest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE, help="made-up people, at the largest size")
    parser.add_argument("--seed", type=int, default=20_261_129, help="of chance; rules were chosen on another")
    arguments = parser.parse_args()
    sizes: list[Found] = []
    for part in (4, 2, 1):
        with tempfile.TemporaryDirectory() as folder:
            sizes.append(asyncio.run(_measured(Path(folder), arguments.people // part, arguments.seed)))
        print(f"{sizes[-1].records} records measured", file=sys.stderr, flush=True)
    print(table(sizes))
    return 0 if all(holds(sizes[-1], name, bar, side) for _, name, bar, side in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())
