"""Server processes as a user starts them, pinned to a core, below the ephemeral ports."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

FIRST_PORT = 18_480
START_SECONDS = 60.0
_FLAGS = (
    "--loop",
    "uvloop",
    "--http",
    "httptools",
    "--no-access-log",
    "--no-server-header",
    "--no-date-header",
    "--log-level",
    "warning",
)


class NoAnswer(Exception):
    """A server did not start; its log says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server process that answers."""

    base: str
    pid: int
    start_seconds: float
    """From the start of the process to its first answer."""

    def memory_mebibytes(self, what: str) -> float:
        """Return `VmRSS` (now) or `VmHWM` (the peak) of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{what}:"))
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """Return how much processor time the process has used."""
        fields = _stat(self.pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int | str) -> list[str]:
    """Return what /proc says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parent(pid: int) -> int:
    """Return the process that started a process."""
    return int(_stat(pid)[1])


def seconds(pid: int) -> float:
    """Return the processor time that a process has used; 0 when it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def children_seconds(pid: int) -> float:
    """Return the processor time that the children of a process have used, those that ended included."""
    own = _stat(pid)
    ticks = int(own[13]) + int(own[14])
    for entry in Path("/proc").iterdir():
        # A child may end while the others are read; then its time is its parent's.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdigit() and (fields := _stat(entry.name))[1] == str(pid):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@cache
def cores() -> tuple[int | None, int | None]:
    """Return the core of the servers and that of the load generator; none on a machine with one core.

    Remembered, because the benchmark then goes to the second core itself.
    """
    found = sorted(os.sched_getaffinity(0))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def free_port() -> int:
    """Return a port below the ephemeral ones, from which wrk's connections come."""
    # Each process looks from another one on: what two find at the same time is not taken by the other yet.
    for port in range(FIRST_PORT + os.getpid() * 16 % 13_000, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("every port is taken")


def _wait(base: str, path: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoAnswer(f"the server ended with {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(base + path, timeout=5).status_code == 200:
                return
        time.sleep(0.01)
    raise NoAnswer(f"the server does not answer after {START_SECONDS} s")


@contextlib.contextmanager
def _running(
    command: list[str], environment: Mapping[str, str], base: str, path: str, log: Path, *, alone: bool = True
) -> Iterator[Server]:
    core = cores()[0] if alone else None
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    with log.open("ab") as messages:
        began = time.monotonic()
        process = subprocess.Popen([*pinned, *command], env={**os.environ, **environment}, stderr=messages)
        try:
            _wait(base, path, process)
            yield Server(base, process.pid, time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(30)


@contextlib.contextmanager
def hub(
    environment: Mapping[str, str],
    port: int,
    log: Path,
    profile: Path | None = None,
    *,
    command: Sequence[str] = (),
    pinned: bool = True,
) -> Iterator[Server]:
    """Run the hub by `renkei serve` with the settings in `environment`; its messages go to the file `log`.

    Args:
        environment: The settings as variables.
        port: Where it listens, by these settings.
        log: The file of its messages.
        profile: The file that a profile is written to when it ends; then everything is slower.
        command: What runs instead of `renkei serve`.
        pinned: Whether it has one core, and no other.
    """
    serves = [sys.executable, "-c", "from app.cli import main; main(['serve'])"]
    if profile is not None:
        serves = [sys.executable, "-m", "benchmarks.profiled", str(profile)]
    base = f"http://127.0.0.1:{port}"
    with _running(list(command) or serves, environment, base, "/fhir/metadata", log, alone=pinned) as server:
        yield server


@contextlib.contextmanager
def bare(application: str, environment: Mapping[str, str], path: str, log: Path) -> Iterator[Server]:
    """Run a bare application, of `benchmarks.yardstick` or of the module it names, under uvicorn as the hub does."""
    port = free_port()
    target = application if ":" in application else f"benchmarks.yardstick:{application}"
    command = [sys.executable, "-m", "uvicorn", target, "--factory", *_FLAGS, "--port", str(port)]
    with _running(command, environment, f"http://127.0.0.1:{port}", path, log) as server:
        yield server


@contextlib.contextmanager
def other(command: Sequence[str], base: str, path: str, log: Path) -> Iterator[Server]:
    """Run a server that is not ours on the core that ours have; it is there when it answers at `path`."""
    with _running(list(command), {}, base, path, log) as server:
        yield server


def settle(server: Server) -> None:
    """Wait until a server has done what it puts off: the next run must not pay for it."""
    for _ in range(100):
        before = server.processor_seconds()
        time.sleep(0.25)
        if server.processor_seconds() - before < 0.02:
            return
