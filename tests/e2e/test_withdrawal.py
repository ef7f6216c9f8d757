"""A withdrawal counts at the next request of every worker process of a hub."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub_process import HubProcess, hub_process
from tests.world import a_consent, a_patient, an_observation

CALLERS = 24
"""Connections that are opened at once; whichever worker accepts one keeps it."""
MOST_CALLERS = 240
"""A busy machine may let one worker accept all of them: then others are opened."""
ESTABLISHED = "01"


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[HubProcess]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("empty_postgresql")
    with hub_process(tmp_path / "hub", database, RENKEI_WORKERS="2") as made:
        yield made


def _connections(hub: HubProcess) -> Counter[int]:
    """Return how many connections of callers each process of the hub holds, by its number."""
    port = f":{hub.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    held = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(port) and row[3] == ESTABLISHED}
    found: Counter[int] = Counter()
    assert hub.process is not None
    for group in Path("/proc").iterdir():
        # A process may end while the others are looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (
                group.name.isdigit()
                and int((group / "stat").read_text().rpartition(")")[2].split()[2]) == hub.process.pid
            ):
                found[int(group.name)] = sum(str(one.readlink()) in held for one in (group / "fd").iterdir())
    return +found


def test_a_withdrawal_counts_at_the_next_request_of_every_worker(hub: HubProcess) -> None:
    hospital, clinic = hub.token("system-hospital-a"), hub.token("system-clinic-c")
    with contextlib.ExitStack() as stack:
        callers: list[httpx.Client] = []

        def open_callers() -> None:
            for _ in range(CALLERS):
                callers.append(stack.enter_context(httpx.Client(base_url=f"{hub.address}/fhir")))

        open_callers()
        first = callers[0]

        def posted(body: dict[str, object]) -> dict[str, object]:
            answer = first.post(f"/{body['resourceType']}", headers=hospital, json=body)
            assert answer.status_code == 201, answer.text
            made: dict[str, object] = answer.json()
            return made

        patient = str(posted(a_patient())["id"])
        observation = posted(an_observation(patient))["id"]
        consent = posted(a_consent(patient, "clinic-c"))

        def seen() -> set[int]:
            return {one.get(f"/Observation/{observation}", headers=clinic).status_code for one in callers}

        permitted = seen()
        while len(workers := _connections(hub)) < 2 and len(callers) < MOST_CALLERS:
            open_callers()
            permitted |= seen()
        first.put(
            f"/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"}
        ).raise_for_status()
        withdrawn = seen()

    assert len(workers) == 2, workers
    assert workers.total() == len(callers)
    assert (permitted, withdrawn) == ({200}, {404})
