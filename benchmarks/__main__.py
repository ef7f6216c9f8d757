"""`python -m benchmarks [--quick] [--database sqlite|postgresql]`: measure, print a table, write latest.json."""

import argparse
import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from benchmarks import servers
from benchmarks.figures import LATEST, Figure, table, write
from benchmarks.run import FULL, QUICK, measure
from tests.postgresql import server as postgresql

DATABASES = ("sqlite", "postgresql")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data, short runs: roughly how fast")
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    return parser.parse_args()


def main() -> int:
    """Measure and return 0 if every bar is kept, 1 if one is not."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    hub_core, load_core = servers.cores()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; wrk with 64 connections")
    print(f"servers on core {hub_core}, wrk and PostgreSQL on core {load_core}; medians of {size.rounds} runs in turn")
    if load_core is not None:
        # Everything that is not a server, PostgreSQL included, inherits this core.
        os.sched_setaffinity(0, {load_core})
    figures: list[Figure] = []
    for database in DATABASES if arguments.database is None else (arguments.database,):
        print(f"{database}:", flush=True)
        opened = postgresql(durable=True, port=servers.free_port()) if database == "postgresql" else nullcontext("")
        with tempfile.TemporaryDirectory(prefix="renkei-bench-") as folder, opened as address:
            place = f"{address}/postgres" if address else ""
            figures += measure(Path(folder), place, size, lambda text: print(text, flush=True))
    print()
    print(table(figures))
    write(figures)
    print(f"\nwritten to {LATEST}")
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
