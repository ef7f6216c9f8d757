"""A real hub: the command line and a server process, as an operator runs them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests import forked

RENKEI = str(Path(sys.executable).parent / "renkei")
CHECKOUT = str(Path(__file__).resolve().parents[1])


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class HubProcess:
    """A hub's folder, settings and, once started, its server."""

    home: Path
    database: str = ""
    port: int = field(default_factory=free_port)
    extra: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = (RENKEI, "serve")
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        mine = {
            "RENKEI_HOME": str(self.home),
            "RENKEI_DATABASE": self.database,
            "RENKEI_PORT": str(self.port),
            "RENKEI_ADDRESS": self.address,
            "RENKEI_COOKIE_SECURE": "false",
            "RENKEI_SECOND_FACTOR": "optional",
            # The code beside these tests, wherever the command was installed from.
            "PYTHONPATH": os.pathsep.join([CHECKOUT, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
            "RENKEI_REQUESTS_PER_SECOND": "0",
            "RENKEI_PERSON_SEARCHES_PER_MINUTE": "0",
            "RENKEI_SIGN_INS_PER_MINUTE": "0",
            **self.extra,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RENKEI_")}
        return inherited | mine

    def renkei(self, *arguments: str, input: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the hub and return what it printed."""
        return self._run([arguments], input, check=check)

    def together(self, *commands: Sequence[str]) -> None:
        """Run commands of the hub in one process."""
        self._run(commands, "", check=True)

    def _run(self, commands: Sequence[Sequence[str]], input: str, *, check: bool) -> subprocess.CompletedProcess[str]:
        done = forked.run(commands, self.environment, input)
        if check and done.returncode:
            raise AssertionError(f"{done.args} {input}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def spawn(self) -> None:
        """Start the server, in a process group of its own."""
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.spawn()
        self.wait()

    def wait(self) -> None:
        """Wait until the server answers."""
        assert self.process is not None
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/health", timeout=2).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError((self.home / "server.log").read_text())

    def kill(self) -> None:
        """End the server and its workers without a word, as a crash does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> int:
        """Ask the server to end, wait, and return its exit code."""
        code = 0
        if self.process is not None:
            self.process.terminate()
            code = self.process.wait(timeout=40)
            self.process = None
        return code

    def token(self, client: str) -> dict[str, str]:
        """Return the headers of a client."""
        return {"Authorization": f"Bearer {self.renkei('token', client).stdout.strip()}"}

    def add_user(self, name: str, organisation: str, role: str) -> str:
        """Add a person and return the first password."""
        said = self.renkei("user", "add", name, "--organisation", organisation, "--role", role, "--title", name)
        found = re.search(r"first password: (\S+)", said.stdout)
        assert found is not None
        return found[1]


@contextlib.contextmanager
def hub_process(home: Path, database: str = "", *, port: int = 0, **extra: str) -> Iterator[HubProcess]:
    """Make an empty hub with a hospital, two clinics, a secretariat and an audit office, and start it."""
    hub = HubProcess(home, database, port or free_port(), extra=extra)
    home.mkdir(parents=True, exist_ok=True)
    commands: list[Sequence[str]] = [("migrate",)]
    sites = {"hospital-a": "hospital", "clinic-c": "clinic", "clinic-d": "clinic"}
    for number, (slug, kind) in enumerate(sites.items(), start=1):
        title = ("--title", slug, "--kind", kind, "--number", f"01100000{number:02d}")
        commands.append(("organisation", "add", slug, *title))
        commands.append(("client", "add", f"system-{slug}", "--organisation", slug))
    for slug, kind in {"secretariat": "secretariat", "audit-office": "audit"}.items():
        commands.append(("organisation", "add", slug, "--title", slug, "--kind", kind))
    hub.together(*commands)
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
