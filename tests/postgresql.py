"""A PostgreSQL server of the tests' own: one for each test process, thrown away at the end."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


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


@contextlib.contextmanager
def server(*, durable: bool = False, port: int = 0) -> Iterator[str]:
    """Run a server and yield its address without a database name; without `durable` it does not flush."""
    programs, folder = _programs(), Path(tempfile.mkdtemp(prefix="renkei-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", port or _free_port()
    options = ["initdb", "-D", data, "-U", "renkei", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"]
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run(_as_postgres(str(programs / "initdb"), *map(str, options[1:])), **run)
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=100"
    if not durable:
        settings += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    control = str(programs / "pg_ctl")
    start = [control, "-D", str(data), "-o", settings, "-l", str(folder / "log"), "-w", "start"]
    subprocess.run(_as_postgres(*start), **run)
    try:
        yield f"postgresql://renkei@127.0.0.1:{port}"
    finally:
        subprocess.run(_as_postgres(control, "-D", str(data), "-m", "immediate", "stop"), **run)
        shutil.rmtree(folder)
