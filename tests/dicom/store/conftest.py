import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.dicom.store.databases import PostgreSQL, SQLite
from tests.memory import in_memory


@pytest.fixture
def anyio_backend():
    return "asyncio"


def binaries():
    """The newest installed PostgreSQL's programs, wherever the distribution keeps them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found else Path(shutil.which("initdb") or "/").parent


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL of this test run alone, on a socket in a folder of its own."""
    programs = binaries()
    if not (programs / "initdb").exists():
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="renkei-dicom-", dir=in_memory()))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")

    def run(program, *arguments):
        command = [*as_user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run("initdb", "-U", "renkei", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    run("pg_ctl", "-w", "-o", f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=10",
        "-l", str(folder / "log"), "start")  # fmt: skip
    yield {"host": str(folder), "user": "renkei", "database": "postgres"}
    run("pg_ctl", "-w", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request):
    """An empty store."""
    if request.param == "sqlite":
        opened = SQLite()
    else:
        opened = await PostgreSQL.open(request.getfixturevalue("postgresql"))
    yield opened
    await opened.close()
