"""Commands of the hub, each in a process of its own that is forked from one which has imported them.

To start Python and to import what a command needs takes ten times as long as most commands do. What `renkei` itself
does from its first line on is shown where it is started: as the server, as a gateway, and by tests/app/cli.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from app.cli import main

PREPARED = ("migrate", "organisation", "client", "user", "token")
"""The commands that are imported beforehand: those that most tests need."""

PATIENCE_SECONDS = 120

_LOCK = Lock()


def run(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], input: str
) -> subprocess.CompletedProcess[str]:
    """Run commands one after the other in one process; the first that fails ends it.

    Args:
        commands: The arguments of each, without `renkei`.
        environment: All variables of the process.
        input: What it reads.
    """
    with tempfile.TemporaryDirectory() as folder, _LOCK:
        (Path(folder) / "in").write_text(input)
        told = {"commands": commands, "environment": dict(environment), "folder": folder, "at": str(Path.cwd())}
        parent = _parent()
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(json.dumps(told) + "\n")
        parent.stdin.flush()
        code = int(parent.stdout.readline())
        out, err = ((Path(folder) / name).read_text() for name in ("out", "err"))
    return subprocess.CompletedProcess([" ".join(one) for one in commands], code, out, err)


@cache
def _parent() -> subprocess.Popen[str]:
    """Start the process that forks; it ends with this one."""
    checkout = str(Path(__file__).resolve().parents[1])
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RENKEI_")}
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=variables
        | {"PYTHONPATH": os.pathsep.join([checkout, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])},
        cwd=checkout,
    )

    def end() -> None:
        made.communicate()

    atexit.register(end)
    return made


def _become(told: Mapping[str, Any]) -> None:
    """Let this process be as if it had been started for its commands."""
    os.environ.clear()
    os.environ.update(told["environment"])
    os.chdir(told["at"])
    folder = Path(told["folder"])
    for number, name, flags in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
        file = os.open(folder / name, flags | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process


def _fork_for_each() -> None:
    """Fork for each line that is read, and say with which code the fork ended."""
    for name in PREPARED:
        import_module(f"app.cli.{name}")
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if not child:
            signal.alarm(PATIENCE_SECONDS)
            _become(told)
            for one in told["commands"]:
                main(one, prog_name="renkei", standalone_mode=len(told["commands"]) == 1)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - to who asked


if __name__ == "__main__":
    _fork_for_each()
