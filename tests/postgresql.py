"""A PostgreSQL server of the tests' own: one for each test process, thrown away at the end."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.memory import in_memory


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed; `make test` installs it")
    return found[-1].parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _as_postgres(*command: str) -> list[str]:
    """Return a command that runs as another user than root, who may not run PostgreSQL."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@dataclass
class Server:
    """A server, its folder and its settings."""

    folder: Path
    options: str
    port: int

    @property
    def address(self) -> str:
        """Its address without a database name."""
        return f"postgresql://renkei@127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *arguments: str, check: bool = True) -> int:
        command = _as_postgres(str(_programs() / program), "-D", str(self.data), *arguments)
        return subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd="/").returncode

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=100"
        start = ("-o", f"{settings} {self.options}", "-l", str(self.folder / "log"), "-w", "start")
        # After a kill the processes of the old server take a moment to notice.
        deadline = time.monotonic() + 30
        while self.run("pg_ctl", *start, check=time.monotonic() > deadline):
            time.sleep(0.1)

    def kill(self, number: int) -> None:
        """Send a signal to the postmaster and wait until it is gone."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, number)
        while Path(f"/proc/{postmaster}").exists():
            time.sleep(0.01)

    def start_again(self) -> None:
        """Start the server anew, whatever became of it."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self.run("pg_ctl", "-m", "immediate", "stop", check=False)


NOT_DURABLE = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def initialise(made: Server) -> None:
    """Make the data of a server whose folder is empty."""
    if os.geteuid() == 0:
        shutil.chown(made.folder, "postgres")
    made.run("initdb", "-U", "renkei", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")


@contextlib.contextmanager
def running(options: str, port: int = 0, *, durable: bool = True, place: Path | None = None) -> Iterator[Server]:
    """Run a server with options for `postgres`, thrown away at the end; without `port` on a free one.

    With `durable` its data are on the disk, or in `place`, without it they are in memory, where there is room.
    """
    folder = Path(tempfile.mkdtemp(prefix="renkei-postgresql-", dir=place if durable else in_memory()))
    made = Server(folder, options, port or _free_port())
    initialise(made)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=place is not None)


@contextlib.contextmanager
def server(*, durable: bool = False, port: int = 0) -> Iterator[str]:
    """Run a server and yield its address without a database name; without `durable` it does not flush."""
    with running("" if durable else NOT_DURABLE, port, durable=durable) as made:
        yield made.address
