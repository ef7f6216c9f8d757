"""`python -m benchmarks.ssmix2`: how fast a made store becomes the record, beside reading and decoding it alone."""

import argparse
import sys
import tempfile
from pathlib import Path

from app.settings import Settings
from benchmarks import servers
from benchmarks.place import place
from benchmarks.ssmix2 import made, pushed, reading

BAR = 0.25
MOST_GROWTH_MEBIBYTES = 64.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ssmix2", description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=3, help="how often the gateway, and once the hub, is killed")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--store", type=Path, help="where the store is made, or lies already")
    return parser.parse_args()


def _measured(database: str, root: Path, files: int, kills: int, plain: float) -> bool:
    with tempfile.TemporaryDirectory() as state, place(database, None) as lies:
        home, address = lies.empty("ssmix2")
        port = servers.free_port()
        settings = Settings(home=home, database=address, port=port, address=f"http://127.0.0.1:{port}")
        pushed.prepare(settings)
        done = pushed.push(settings, root, Path(state), files=files, kills=kills)
        wrong = pushed.lost_or_twice(settings, reading.expected(root), files)
    of_processor = done.files / (done.hub_seconds + done.gateway_seconds)
    rows = {
        "files a second": f"{done.files / done.wall_seconds:,.0f}",
        "files a second of processor, hub and gateway": f"{of_processor:,.0f}",
        "of that, the gateway alone": f"{done.files / done.gateway_seconds:,.0f}",
        "of that of reading and decoding alone": f"{of_processor / plain:.3f} (bar {BAR})",
        "memory, gateway": f"+{done.gateway_growth_mebibytes:.0f} MiB",
        "memory, hub": f"+{done.hub_growth_mebibytes:.0f} MiB",
        "killed": f"{done.kills} times",
        "lost or twice": wrong or "nothing",
    }
    for name, value in rows.items():
        print(f"{database:10}  {name:46}  {value}", flush=True)
    return not wrong and done.gateway_growth_mebibytes <= MOST_GROWTH_MEBIBYTES


def main() -> int:
    """Measure; return 0 when nothing was lost or came twice and memory stayed within its bound."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.store or Path(folder)
        files = made.make(root, patients=arguments.patients, files=arguments.files)
        plain = reading.rates(root)
        for name, found in plain.items():
            print(f"{'':10}  {name:46}  {found:,.0f} files a second", flush=True)
        chosen = [arguments.database] if arguments.database else ["sqlite", "postgresql"]
        held = [_measured(one, root, files, arguments.kills, plain["read and decoded"]) for one in chosen]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
