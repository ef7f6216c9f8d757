"""`python -m benchmarks`: measure, print a table, write latest.json."""

import argparse
import os
import platform
import sys
from pathlib import Path

from benchmarks import servers
from benchmarks.figures import LATEST, Figure, grown, table, write
from benchmarks.place import place
from benchmarks.profile import WHAT, profile
from benchmarks.run import FULL, QUICK, measure
from benchmarks.stages import stages

DATABASES = ("sqlite", "postgresql")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data, short runs: roughly how fast")
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    parser.add_argument("--scale", type=int, default=1, help="measure with so many times the data as well, and growth")
    parser.add_argument("--keep", type=Path, help="a folder whose data are kept, and loaded on where a run stopped")
    parser.add_argument("--profile", choices=sorted(WHAT), help="show where the hub spends its time instead")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, flush=True)


def _measured(arguments: argparse.Namespace, databases: tuple[str, ...]) -> int:
    size = QUICK if arguments.quick else FULL
    scales = (1,) if arguments.scale == 1 else (1, arguments.scale)
    figures: list[Figure] = stages()
    for database in databases:
        _tell(f"{database}:")
        with place(database, arguments.keep) as lies:
            figures += measure(lies, size, scales, _tell)
        # What is known is kept, should the rest be stopped.
        write(grown(figures))
    figures = grown(figures)
    print(f"\n{table(figures)}\n\nwritten to {LATEST}")
    return 0 if all(one.holds for one in figures) else 1


def main() -> int:
    """Measure and return 0 if every bar is kept, 1 if one is not."""
    arguments = _arguments()
    hub_core, load_core = servers.cores()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; wrk with 64 connections")
    print(f"servers on core {hub_core}, wrk and PostgreSQL on core {load_core}")
    if load_core is not None:
        # Everything that is not a server, PostgreSQL included, inherits this core.
        os.sched_setaffinity(0, {load_core})
    databases = DATABASES if arguments.database is None else (arguments.database,)
    if arguments.profile is None:
        return _measured(arguments, databases)
    size = QUICK if arguments.quick else FULL
    for database in databases:
        with place(database, arguments.keep) as lies:
            print(profile(lies, size, arguments.profile, _tell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
