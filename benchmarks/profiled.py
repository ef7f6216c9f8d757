"""`python -m benchmarks.profiled FILE`: `renkei serve` under cProfile, its profile written to FILE when it ends."""

import cProfile
import signal
import sys

from app.cli.serve import run_server

BEGIN = signal.SIGUSR1
"""The signal at which the profile begins, so that what a start costs is not in it."""


def main(path: str) -> None:
    """Serve until SIGTERM, then write the profile of the thread of the event loop from `BEGIN` on."""
    profile = cProfile.Profile()
    signal.signal(BEGIN, lambda *_: profile.enable())
    try:
        # The server leaves by SystemExit, as it does when it is not profiled.
        run_server()
    finally:
        profile.disable()
        profile.dump_stats(path)


if __name__ == "__main__":
    main(sys.argv[1])
