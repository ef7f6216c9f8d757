"""An S3 server of the tests' own."""

import contextlib
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.store import S3Store

WEED = Path(sys.executable).parent / "weed"
LOG = "weed.log"


def _free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on; the server takes each plus 10,000 too."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(12_000, 22_000), 500):
        with socket.socket() as one, socket.socket() as other, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            found.append(port)
        if len(found) == count:
            break
    return found


def _takes(variables: dict[str, str]) -> bool:
    """Return whether the server takes a blob: its port opens before its volumes do."""
    store = S3Store(
        "renkei",
        endpoint=variables["AWS_ENDPOINT"],
        access_key_id=variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region=variables["AWS_REGION"],
        client_options={"allow_http": True, "timeout": "2s"},
        retry_config={"max_retries": 0},
    )
    try:
        obstore.put(store, "ready", b"ready")
    except (OSError, obstore.exceptions.BaseError):
        return False
    return True


def _start(folder: str) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Start a server and return it with the variables by which clients find it."""
    s3, master, volume, filer = _free_ports(4)
    config = Path(folder) / "s3.json"
    config.write_text(
        '{"identities": [{"name": "renkei", "credentials": [{"accessKey": "renkei", "secretKey": "renkei-secret"}],'
        ' "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}'
    )
    command = [
        *(str(WEED), "server", "-ip=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.port={s3}"),
        *(f"-s3.config={config}", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
        *("-volume.max=50", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]
    with (Path(folder) / LOG).open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    return process, {
        "AWS_ENDPOINT": f"http://127.0.0.1:{s3}",
        "AWS_ACCESS_KEY_ID": "renkei",
        "AWS_SECRET_ACCESS_KEY": "renkei-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }


def _answers(process: subprocess.Popen[bytes], variables: dict[str, str]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if _takes(variables):
            return True
        time.sleep(0.3)
    return False


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Run a server and yield the variables by which clients find it; buckets are made by the first write.

    Another process may take one of its ports while it starts, so it is started again, on others, if it does not answer.
    """
    said = ""
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            process, variables = _start(folder)
            try:
                if _answers(process, variables):
                    yield variables
                    return
            finally:
                process.kill()  # it takes half a minute to end when it is asked
                process.wait()
                said = (Path(folder) / LOG).read_text(errors="replace")[-3_000:]
    raise AssertionError(f"the S3 server does not answer; it ended with {process.returncode} and said: {said}")
