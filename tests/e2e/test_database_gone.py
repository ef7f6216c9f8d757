"""PostgreSQL is away: every door says 503, and the hub finds its way back without being started again."""

import signal
import time
from pathlib import Path

import httpx

from tests.e2e.crashing import crashes

RETURNS_SECONDS = 10


def test_a_hub_without_its_database_answers_503_and_comes_back(tmp_path: Path) -> None:
    with crashes("postgresql", tmp_path) as hub, httpx.Client(base_url=hub.hub.address, timeout=30) as http:
        assert hub.server is not None
        known, name = hub.tokens["hospital-a"], hub.ledger.shared["hospital-a"]
        unknown = {"Authorization": "Bearer of nothing"}
        since = hub.begin()
        hub.server.kill(signal.SIGKILL)

        away = [
            http.get(f"/fhir/{name}", headers=known),
            http.get("/fhir/Observation", headers=known),
            http.post("/fhir/Patient", headers=known, json={"resourceType": "Patient"}),
            http.get(f"/fhir/{name}", headers=unknown),
        ]
        health = http.get("/health")
        hub.server.start()
        deadline = time.monotonic() + RETURNS_SECONDS
        while (back := http.get(f"/fhir/{name}", headers=known)).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        found = hub.prove(since)

    assert [answer.status_code for answer in away] == [503] * len(away)
    assert {answer.json()["issue"][0]["code"] for answer in away} == {"transient"}
    assert health.status_code == 503
    assert back.status_code == 200
    assert found == []
