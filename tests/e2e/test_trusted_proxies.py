"""Who says who calls: `renkei serve` with a reverse proxy that is trusted, and with one that is not."""

from pathlib import Path

import httpx
import pytest

from tests.hub_process import HubProcess


@pytest.mark.parametrize(
    ("trusted", "believed"),
    [({}, True), ({"RENKEI_TRUSTED_PROXIES": "192.0.2.0/24"}, False)],
    ids=["a proxy on this machine", "only proxies elsewhere"],
)
def test_only_a_trusted_proxy_says_who_calls(tmp_path: Path, trusted: dict[str, str], believed: bool) -> None:
    # /metrics answers callers of this machine only, so it shows whom the hub takes a caller for.
    hub = HubProcess(tmp_path, extra=trusted)
    hub.renkei("migrate")
    hub.start()

    near = httpx.get(f"{hub.address}/metrics")
    far = httpx.get(f"{hub.address}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})

    hub.stop()
    assert (near.status_code, far.status_code) == (200, 403 if believed else 200)
