"""`python -m benchmarks.imaging`: the hub beside Orthanc, a bare application and bare writes, in one run."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import servers
from benchmarks.figures import Figure, table, write
from benchmarks.imaging.measure import Size, measure
from benchmarks.imaging.orthanc import PLUGIN, version
from benchmarks.place import place

FULL = Size(slices=300, studies=50_000, seconds=3, rounds=3)
QUICK = Size(slices=50, studies=500, seconds=1, rounds=1)
LATEST = Path(__file__).parent.with_name("latest-imaging.json")

_INSIDE = "RENKEI_BENCH_NAMESPACE"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imaging", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few studies, short runs: roughly how fast")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--keep", type=Path, help="a folder whose data are kept, and loaded on where a run stopped")
    return parser.parse_args()


def enter_namespace() -> None:
    """Begin anew where there is no network but loopback: Orthanc listens on every address there is."""
    if os.environ.get(_INSIDE):
        return
    flags = ["-n"] if os.geteuid() == 0 else ["-rn"]
    again = 'ip link set lo up && exec "$0" "$@"'
    command = ["unshare", *flags, "sh", "-c", again, sys.executable, "-m", "benchmarks.imaging", *sys.argv[1:]]
    os.execvpe("unshare", command, {**os.environ, _INSIDE: "1"})  # noqa: S606 - no shell gets anybody's words


def main() -> int:
    """Measure and return 0 if every bar is kept, 1 if one is not."""
    arguments = _arguments()
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        print("Orthanc and its DICOMweb plugin are needed; `make bench` installs them", file=sys.stderr)
        return 2
    enter_namespace()
    hub_core, load_core = servers.cores()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"beside Orthanc {version()} as Debian ships it")
    print(f"each server on core {hub_core}, callers and PostgreSQL on core {load_core}", flush=True)
    if load_core is not None:
        os.sched_setaffinity(0, {load_core})
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="renkei-bench-") as temporary:
        for database in [arguments.database] if arguments.database else ["sqlite", "postgresql"]:
            print(f"{database}:", flush=True)
            keep = arguments.keep or Path(temporary)
            with place(database, arguments.keep) as lies:
                size = QUICK if arguments.quick else FULL
                figures += measure(lies, database, keep, size, lambda text: print(text, flush=True))
            write(figures, LATEST)
    print(f"\n{table(figures)}\n\nwritten to {LATEST}")
    return 0 if all(one.holds for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
