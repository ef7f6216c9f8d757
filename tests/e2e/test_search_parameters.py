"""Search parameters on real processes: one learns late, one is killed, and nothing that was stored is missed."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hub_process import HubProcess, free_port, hub_process
from tests.search_parameters import a_search_parameter

SEX = a_search_parameter("sex", "Patient", "token", "Patient.gender")
GENDERS = ("male", "female", "other", "unknown")


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubProcess]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("empty_postgresql")
    with hub_process(tmp_path / "hub", database) as made:
        made.renkei("client", "add", "office", "--organisation", "secretariat", "--role", "secretariat")
        yield made


def _beside(hub: HubProcess) -> HubProcess:
    """Return a second process of the same hub, on another port."""
    extra = {"RENKEI_ADDRESS": hub.address}
    return HubProcess(hub.home, hub.database, port=free_port(), extra=extra)


def _total(hub: HubProcess, headers: dict[str, str], query: str) -> int:
    response = httpx.get(f"{hub.address}/fhir/{query}&_summary=count", headers=headers, timeout=30)
    assert response.status_code == 200, response.text
    return int(response.json()["total"])


def _percent(hub: HubProcess, headers: dict[str, str], id_: str) -> tuple[str, int]:
    response = httpx.get(f"{hub.address}/fhir/SearchParameter/{id_}/$status", headers=headers, timeout=30)
    assert response.status_code == 200, response.text
    (base,) = [one for one in response.json()["parameter"] if one["name"] == "base"]
    return base["part"][1]["valueCode"], base["part"][2]["valueInteger"]


def _wait(hub: HubProcess, headers: dict[str, str], id_: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if _percent(hub, headers, id_)[0] == "active":
            return
        time.sleep(0.05)
    raise AssertionError("It is not indexed")


class _Writer(threading.Thread):
    """Stores Patients at one process until it is told to stop, and counts those that were acknowledged."""

    def __init__(self, hub: HubProcess, headers: dict[str, str]) -> None:
        super().__init__()
        self._address, self._headers = hub.address, headers
        self.stopped = threading.Event()
        self.stored = 0
        self.failed: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._address, headers=self._headers, timeout=30) as http:
            while not self.stopped.is_set():
                body = {"resourceType": "Patient", "gender": GENDERS[self.stored % len(GENDERS)]}
                response = http.post("/fhir/Patient", json=body)
                if response.status_code == 201:
                    self.stored += 1
                elif response.status_code != 503:
                    self.failed.append(response.text)


def test_no_write_of_any_process_is_missed_while_a_parameter_comes(hub: HubProcess) -> None:
    other = _beside(hub)
    other.start()
    try:
        own, office = hub.token("system-hospital-a"), hub.token("office")
        # The other process knows its callers, and no parameter, from before.
        assert httpx.get(f"{other.address}/fhir/Patient?sex=male", headers=own).status_code == 400
        writers = [_Writer(one, own) for one in (hub, hub, other, other)]
        for one in writers:
            one.start()
        time.sleep(0.5)

        made = httpx.post(f"{hub.address}/fhir/SearchParameter", headers=office, json=SEX, timeout=30)
        refused = httpx.get(f"{other.address}/fhir/Patient?sex=male", headers=own).json()
        _wait(other, office, made.json()["id"])
        time.sleep(0.3)
        for one in writers:
            one.stopped.set()
        for one in writers:
            one.join()

        stored = sum(one.stored for one in writers)
        assert made.status_code == 201, made.text
        assert [one.failed for one in writers] == [[]] * 4
        assert min(one.stored for one in writers) > 5
        assert refused["resourceType"] in ("OperationOutcome", "Bundle")
        for process in (hub, other):
            assert _total(process, own, f"Patient?sex={','.join(GENDERS)}") == stored
            assert _total(process, own, "Patient?sex:missing=true") == 0
    finally:
        other.stop()


def _load(hub: HubProcess, headers: dict[str, str], bundles: int, size: int) -> int:
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient", "gender": "male"}}
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * size}
    for _ in range(bundles):
        response = httpx.post(f"{hub.address}/fhir", headers=headers, json=bundle, timeout=60)
        assert response.status_code == 200, response.text
    return bundles * size


def test_a_kill_in_the_middle_is_gone_on_from(hub: HubProcess) -> None:
    own, office = hub.token("system-hospital-a"), hub.token("office")
    # So many that a fast machine has not indexed them by the time it is looked at.
    stored = _load(hub, own, 20, 500)
    id_ = httpx.post(f"{hub.address}/fhir/SearchParameter", headers=office, json=SEX, timeout=30).json()["id"]
    while (found := _percent(hub, office, id_)) == ("indexing", 0):
        time.sleep(0.01)
    waiting = httpx.get(f"{hub.address}/fhir/Patient?sex=male", headers=own).json()["issue"][0]

    hub.kill()

    before = hub.renkei("search-parameter", "list").stdout.split("\t")
    hub.start()
    own, office = hub.token("system-hospital-a"), hub.token("office")
    hub.renkei("search-parameter", "index")
    # The turn of the process that was killed ends by itself.
    _wait_longer(hub, office, id_)
    after = hub.renkei("search-parameter", "list").stdout.split("\t")
    assert found[0] == "indexing"
    assert waiting["code"] == "not-supported"
    assert "is being indexed" in waiting["diagnostics"]
    assert before[:3] == ["Patient", "sex", "indexing"]
    assert 0 < int(before[4]) < stored
    assert after[:5] == ["Patient", "sex", "active", "100 %", str(stored)]
    assert _total(hub, own, "Patient?sex=male") == stored


def _wait_longer(hub: HubProcess, headers: dict[str, str], id_: str) -> None:
    deadline = time.monotonic() + 100
    while _percent(hub, headers, id_)[0] != "active" and time.monotonic() < deadline:
        time.sleep(0.5)
    _wait(hub, headers, id_)
