"""Who says who calls: `renkei serve` with a reverse proxy that is trusted, and with one that is not."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(home: Path, **environment: str) -> Iterator[str]:
    port = free_ports(1)[0]
    settings = {**os.environ, "RENKEI_HOME": str(home), "RENKEI_PORT": str(port), **environment}
    renkei = [sys.executable, "-m", "app.cli"]
    subprocess.run([*renkei, "migrate"], env=settings, cwd=ROOT, check=True, capture_output=True)
    with subprocess.Popen([*renkei, "serve"], env=settings, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None
            try:
                httpx.get(f"{address}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        yield address
        process.terminate()


@pytest.mark.parametrize(
    ("trusted", "believed"),
    [({}, True), ({"RENKEI_TRUSTED_PROXIES": "192.0.2.0/24"}, False)],
    ids=["a proxy on this machine", "only proxies elsewhere"],
)
def test_only_a_trusted_proxy_says_who_calls(tmp_path: Path, trusted: dict[str, str], believed: bool) -> None:
    # /metrics answers callers of this machine only, so it shows whom the hub takes a caller for.
    with served(tmp_path, **trusted) as address:
        near = httpx.get(f"{address}/metrics")
        far = httpx.get(f"{address}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})

    assert (near.status_code, far.status_code) == (200, 403 if believed else 200)
