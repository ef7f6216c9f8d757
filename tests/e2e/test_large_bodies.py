"""Bodies that are too large, too deep or never end, sent to a real server: refused early, and the memory comes back."""

import contextlib
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hub_process import HubProcess, hub_process
from tests.world import a_patient, an_observation

CHUNK = b" " * 1_000_000

pytestmark = pytest.mark.xdist_group("large bodies")  # one hub for all


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


PATIENT = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


def a_component(number: int, place: int) -> dict[str, Any]:
    code = {"system": "http://loinc.org", "code": f"{1000 + place}-{place % 10}", "display": f"Analyte {place}"}
    quantity = {"value": place + number / 100, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}
    return {"code": {"coding": [code]}, "valueQuantity": quantity}


def a_large_transaction(entries: int, components: int, last: dict[str, Any] | None = None) -> bytes:
    """Return a transaction of a Patient and Observations with many values, whose last one may be another."""
    made = [{"fullUrl": PATIENT, "resource": a_patient(), "request": {"method": "POST", "url": "Patient"}}]
    for number in range(1, entries):
        observation = an_observation("x") | {
            "subject": {"reference": PATIENT},
            "note": [{"text": f"{number} 経過良好"}],
            "component": [a_component(number, place) for place in range(components)],
        }
        made.append({"resource": observation, "request": {"method": "POST", "url": "Observation"}})
    if last is not None:
        made[-1]["resource"] = last
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": made}
    return json.dumps(bundle, separators=(",", ":"), ensure_ascii=False).encode()


def peak_megabytes(hub: HubProcess) -> float:
    """Return the most memory that the server process has held since `forget_peak`."""
    assert hub.process is not None
    text = Path(f"/proc/{hub.process.pid}/status").read_text()
    (line,) = [one for one in text.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) / 1_000


def forget_peak(hub: HubProcess) -> None:
    assert hub.process is not None
    Path(f"/proc/{hub.process.pid}/clear_refs").write_text("5")


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubProcess]:
    """A server process of its own: memory that another test needed is not given back to the system."""
    database = request.getfixturevalue("empty_postgresql") if request.param == "postgresql" else ""
    with hub_process(tmp_path / "hub", database) as made:
        yield made


CONSTANT_MEGABYTES = 160
"""The database's cache, rows of indexes that are gathered, tables of R4 that are read for the first time."""


@pytest.mark.parametrize(
    ("entries", "components", "times"),
    [
        (200, 47, 6),
        pytest.param(10_000, 47, 4.5, marks=pytest.mark.soak),
    ],
    ids=["2 MB", "97 MB and 10,000 entries"],
)
def test_a_large_transaction_takes_few_times_its_body(
    fresh: HubProcess, entries: int, components: int, times: float
) -> None:
    caller = fresh.token("system-hospital-a") | {"Content-Type": "application/fhir+json"}
    httpx.post(f"{fresh.address}/fhir", headers=caller, content=a_large_transaction(2, 2)).raise_for_status()
    body = a_large_transaction(entries, components)
    before = resident_megabytes(fresh)
    forget_peak(fresh)

    done = httpx.post(f"{fresh.address}/fhir", headers=caller, content=body, timeout=1_800)

    assert done.status_code == 200, done.text[:1_000]
    assert len(done.json()["entry"]) == entries
    grown = peak_megabytes(fresh) - before
    assert grown < CONSTANT_MEGABYTES + times * len(body) / 1_000_000, (grown, len(body))


def test_a_large_transaction_that_is_refused_names_its_entry_and_writes_nothing(hub: HubProcess) -> None:
    caller = hub.token("system-hospital-a") | {"Content-Type": "application/fhir+json"}
    patients = httpx.get(f"{hub.address}/fhir/Patient?_summary=count", headers=caller).json()["total"]
    wrong = an_observation("unknown")

    refused = httpx.post(f"{hub.address}/fhir", headers=caller, content=a_large_transaction(100, 5, wrong), timeout=300)

    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"][0].startswith("Bundle.entry[99].resource")
    after = httpx.get(f"{hub.address}/fhir/Patient?_summary=count", headers=caller).json()["total"]
    assert after == patients


def exported_lines(hub: HubProcess, caller: dict[str, str], query: str) -> int:
    """Export, fetch every file, and return how many lines there were."""
    begun = httpx.get(f"{hub.address}/fhir/$export?{query}", headers=caller | {"Prefer": "respond-async"})
    assert begun.status_code == 202, begun.text
    while (status := httpx.get(begun.headers["content-location"], headers=caller, timeout=60)).status_code == 202:
        time.sleep(0.2)
    lines = 0
    for file in status.json()["output"]:
        with httpx.stream("GET", file["url"], headers=caller, timeout=600) as answer:
            lines += sum(chunk.count(b"\n") for chunk in answer.iter_bytes())
    return lines


@pytest.mark.parametrize(
    ("bundles", "entries"),
    [(2, 300), pytest.param(60, 5_000, marks=pytest.mark.soak)],
    ids=["600 resources", "300,000 resources"],
)
def test_an_export_of_any_size_takes_64_mebibytes(fresh: HubProcess, bundles: int, entries: int) -> None:
    caller = fresh.token("system-hospital-a")
    sent = caller | {"Content-Type": "application/fhir+json"}
    body = a_large_transaction(entries, 1)
    for _ in range(bundles):
        httpx.post(f"{fresh.address}/fhir", headers=sent, content=body, timeout=600).raise_for_status()
    fresh.stop()
    fresh.start()
    caller = fresh.token("system-hospital-a")
    assert exported_lines(fresh, caller, "_type=Practitioner") == 0
    before = resident_megabytes(fresh)
    forget_peak(fresh)

    plain = exported_lines(fresh, caller, "_type=Patient,Observation")
    by_patient = exported_lines(fresh, caller, "_type=Patient,Observation&organizeOutputBy=Patient")

    assert plain == bundles * entries
    # Each block has a header; a file that a block goes on in has it once more.
    assert bundles <= by_patient - plain < bundles + 100
    # What the pages of SQLite's cache take comes on top: they are there for every request.
    assert peak_megabytes(fresh) - before < 64 * 1.048576 + (68 if not fresh.database else 0)
