"""Bodies that are too large, too deep or never end, sent to a real server: refused early, and the memory comes back."""

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub_process import HubProcess, hub_process
from tests.world import a_patient

CHUNK = b" " * 1_000_000


def resident_megabytes(hub: HubProcess) -> float:
    """Return the memory that the server process holds now."""
    assert hub.process is not None
    for line in Path(f"/proc/{hub.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_000
    raise AssertionError("no VmRSS")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("hub")) as made:
        yield made


def body_of_200_megabytes(sent: list[int]) -> Iterator[bytes]:
    for _ in range(200):
        sent.append(len(CHUNK))
        yield CHUNK


@pytest.mark.parametrize("path", ["/fhir/Patient", "/fhir/Bundle", "/fhir", "/fhir/Patient/_search"])
def test_200_megabytes_are_refused_before_they_are_read(hub: HubProcess, path: str) -> None:
    caller = hub.token("system-hospital-a") | {"Content-Type": "application/fhir+json"}
    httpx.post(f"{hub.address}/fhir/Patient", headers=caller, json=a_patient()).raise_for_status()
    before = resident_megabytes(hub)
    peak = 0.0

    for _ in range(3):
        sent: list[int] = []
        status = 413
        # A server that has answered ends the connection while the rest is still on its way.
        with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            refused = httpx.post(
                f"{hub.address}{path}", headers=caller, content=body_of_200_megabytes(sent), timeout=60
            )
            status = refused.status_code
        peak = max(peak, resident_megabytes(hub))
        assert status == 413
    gc.collect()

    read = httpx.post(f"{hub.address}/fhir/Patient", headers=caller, json=a_patient())
    assert read.status_code == 201
    assert resident_megabytes(hub) < before + 40, (before, peak)


def test_a_stated_length_is_refused_unread(hub: HubProcess) -> None:
    caller = hub.token("system-hospital-a") | {"Content-Length": "200000000"}
    sent: list[int] = []

    with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        refused = httpx.post(f"{hub.address}/fhir/Patient", headers=caller, content=body_of_200_megabytes(sent))
        assert refused.status_code == 413
    assert httpx.get(f"{hub.address}/health").status_code == 200


def test_deep_nesting_costs_nothing(hub: HubProcess) -> None:
    caller = hub.token("system-hospital-a") | {"Content-Type": "application/fhir+json"}
    before = resident_megabytes(hub)
    body = b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 10_000 + b"1" + b"}]" * 10_000 + b"}"

    answers = [httpx.post(f"{hub.address}/fhir/Patient", headers=caller, content=body) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {400}
    assert resident_megabytes(hub) < before + 20


def test_large_bodies_that_are_refused_leave_nothing_behind(hub: HubProcess) -> None:
    caller = hub.token("system-hospital-a") | {"Content-Type": "application/fhir+json"}
    body = b'{"resourceType":"Patient","name":[{"text":"' + b"x" * 15_000_000 + b'"}],"colour":"red"}'
    httpx.post(f"{hub.address}/fhir/Patient", headers=caller, content=body)
    before = resident_megabytes(hub)

    answers = [httpx.post(f"{hub.address}/fhir/Patient", headers=caller, content=body) for _ in range(12)]

    assert {answer.status_code for answer in answers} == {422}
    assert resident_megabytes(hub) < before + 50
