"""The story of the hub, against a real server process on both databases.

A hospital pushes, a clinic without a grant sees nothing, consent is recorded and withdrawn, and the log proves itself.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.settings import Settings
from tests.hub_process import HubProcess, hub_process
from tests.spec_data import SPEC_DATA
from tests.world import a_consent

REFERRAL = SPEC_DATA / "jp/examples/Bundle-Bundle-CLINS-Referral-Example-01.json"

needs_examples = pytest.mark.skipif(not SPEC_DATA.is_dir(), reason="the published examples are absent")


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubProcess]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("empty_postgresql")
    with hub_process(tmp_path / "hub", database) as made:
        yield made


def _tamper(settings: Settings, number: int) -> None:
    """Change one byte of one stored record, as somebody with the database's rights could."""
    forbid = ("DROP TRIGGER audit_record_no_update", "ALTER TABLE audit_record DISABLE TRIGGER ALL")
    if not settings.is_postgresql:
        with sqlite3.connect(settings.sqlite_path) as file:
            file.execute(forbid[0])
            row, record = file.execute(
                "SELECT l.row, r.record FROM audit_leaf l JOIN audit_record r ON r.row = l.row WHERE l.leaf = ?",
                (number,),
            ).fetchone()
            changed = record.replace(b'"a":"', b'"a":"X', 1)
            file.execute("UPDATE audit_record SET record = ? WHERE row = ?", (changed, row))
        return

    async def change() -> None:
        connection = await asyncpg.connect(settings.database)
        await connection.execute(forbid[1])
        row = await connection.fetchval("SELECT row FROM audit_leaf WHERE leaf = $1", number)
        record = await connection.fetchval("SELECT record FROM audit_record WHERE row = $1", row)
        changed = record.replace(b'"a":"', b'"a":"X', 1)
        await connection.execute("UPDATE audit_record SET record = $1 WHERE row = $2", changed, row)
        await connection.close()

    asyncio.run(change())


@needs_examples
def test_the_story(hub: HubProcess) -> None:
    hospital, clinic = hub.token("system-hospital-a"), hub.token("system-clinic-c")
    json = {"content-type": "application/fhir+json"}
    with httpx.Client(base_url=hub.address) as http:
        posted = http.post("/fhir/Bundle", headers=hospital | json, content=REFERRAL.read_bytes())
        assert posted.status_code == 201, posted.text
        patient = http.get("/fhir/Patient", headers=hospital).json()["entry"][0]["resource"]["id"]
        condition = http.get("/fhir/Condition", headers=hospital).json()["entry"][0]["resource"]["id"]
        searches = [
            "/fhir/Patient",
            f"/fhir/Condition?patient={patient}",
            f"/fhir/Patient?_id={patient}&_revinclude=Condition:patient",
            f"/fhir/Condition?_id={condition}&_include=Condition:patient",
            "/fhir/Bundle",
        ]
        reads = [
            f"/fhir/Patient/{patient}",
            f"/fhir/Condition/{condition}/_history",
            f"/fhir/Condition/{condition}/_history/1",
            f"/fhir/Patient/{patient}/$summary",
            f"/fhir/Bundle/{posted.json()['id']}/$original",
        ]

        before = [http.get(url, headers=clinic) for url in (*searches, *reads)]
        consent = http.post("/fhir/Consent", headers=hospital, json=a_consent(patient, "clinic-c")).json()
        permitted = [http.get(url, headers=clinic) for url in (*searches, *reads)]
        consent["status"] = "inactive"
        http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=consent)
        withdrawn = [http.get(url, headers=clinic) for url in (*searches, *reads)]

    for answers in (before, withdrawn):
        assert [answer.json()["total"] for answer in answers[: len(searches)]] == [0] * len(searches)
        assert [answer.status_code for answer in answers[len(searches) :]] == [404] * len(reads)
    assert all(answer.json()["total"] > 0 for answer in permitted[: len(searches)])
    assert [answer.status_code for answer in permitted[len(searches) :]] == [200] * len(reads)
    assert permitted[-1].content == REFERRAL.read_bytes()

    hub.stop()
    proved = hub.renkei("audit", "verify")
    settings = Settings(home=hub.home, database=hub.database)
    _tamper(settings, 7)
    refuted = hub.renkei("audit", "verify", check=False)

    assert "are as they were signed" in proved.stdout
    assert refuted.returncode == 3
    assert "record 7 was altered" in refuted.stdout
