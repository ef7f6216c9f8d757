"""Whatever is sent, by whomever: no 5xx, no traceback, nothing hidden; and afterwards the hub is as whole as before.

5,000 requests in `make test`, a hundred thousand for each database in `make soak`. Every request is made of the seed
and its number alone: `RENKEI_FUZZ_SEED` chooses another seed, and a failure prints the request as a command.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fuzz.region import EXTRA, Region, planted
from tests.fuzz.requests import CALLERS, DOORS, made
from tests.fuzz.run import Report, run
from tests.hub_process import HubProcess, hub_process
from tests.postgresql import server

SEED = int(os.environ.get("RENKEI_FUZZ_SEED", "20261127"))
SOAK = 100_000


@contextlib.contextmanager
def fuzzed(kind: str, home: Path) -> Iterator[Region]:
    """Run a hub on a database of either kind, with something to find and something to hide."""
    with contextlib.ExitStack() as stack:
        database = f"{stack.enter_context(server())}/postgres" if kind == "postgresql" else ""
        hub = stack.enter_context(hub_process(home / "hub", database, **EXTRA))
        yield planted(hub)


def _log(hub: HubProcess) -> str:
    return (hub.home / "server.log").read_text(errors="replace")


def prove(region: Region, report: Report, count: int) -> None:
    """Hold that nothing failed, and that the hub still answers, with a whole audit log and nothing in its own log."""
    hub = region.hub
    if report.failures or "Traceback" in _log(hub):
        shown = "\n".join(report.failures[:20])
        pytest.fail(f"{len(report.failures)} failures ({report}):\n{shown}\n{_log(hub)[-6000:]}", pytrace=False)
    assert sum(report.statuses.values()) == count
    # A fuzz that is refused everywhere would show nothing.
    assert sum(number for status, number in report.statuses.items() if status < 300) > count / 8, str(report)
    headers = dict([tuple(one.decode() for one in region.proofs["clinic-d"])])
    found = httpx.get(f"{hub.address}/fhir/Patient?_count=1", headers=headers, timeout=60)
    assert (found.status_code, found.json()["resourceType"]) == (200, "Bundle")
    verified = hub.renkei("audit", "verify", check=False)
    assert (verified.returncode, "are as they were signed" in verified.stdout) == (0, True), verified.stdout


def _owner_sees_the_canary(region: Region) -> bool:
    """Return whether what is hidden is there: else nothing could be disclosed, and nothing would be shown."""
    headers = dict([tuple(one.decode() for one in region.proofs["hospital-a"])])
    answer = httpx.get(f"{region.hub.address}/fhir/Patient/hospital-a-hidden", headers=headers, timeout=60)
    return answer.status_code == 200 and "KanariaX7" in answer.text


@pytest.mark.parametrize(("kind", "seed"), [("sqlite", SEED), ("postgresql", SEED + 1)])
def test_nothing_that_is_sent_breaks_the_hub(kind: str, seed: int, tmp_path: Path) -> None:
    with fuzzed(kind, tmp_path) as region:
        report = run(region, seed, 2_500)

        prove(region, report, 2_500)
        assert _owner_sees_the_canary(region)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_of_a_hundred_thousand_breaks_the_hub(kind: str, tmp_path: Path) -> None:
    with fuzzed(kind, tmp_path) as region:
        report = run(region, SEED, SOAK)

        prove(region, report, SOAK)
        assert _owner_sees_the_canary(region)


def test_a_seed_and_a_number_make_one_request() -> None:
    requests = [made(SEED, number) for number in range(2_000)]

    assert [made(SEED, number) for number in range(2_000)] == requests
    assert {one.caller for one in requests} == {name for _, name in CALLERS}
    assert {one.method for one in requests} >= {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert sum(weight for weight, _ in DOORS) == 100
    assert requests[0].repeat("http://hub.example").startswith("curl -i")
