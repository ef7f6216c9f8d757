"""The story of the hub, against a real server process on both databases.

A hospital pushes, a clinic without a grant sees nothing, consent is recorded and withdrawn, and the log proves itself.
"""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.settings import Settings
from tests.app.imaging.images import a_body, a_file, address, uids
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


PASSWORD = "Sapporo-2026-snow"
SAME_SITE = {"sec-fetch-site": "same-origin"}


@contextlib.contextmanager
def _signed_in(hub: HubProcess, name: str, site: str, role: str) -> Iterator[httpx.Client]:
    """Yield the browser of a new person, who has chosen a password."""
    first = hub.add_user(name, site, role)
    with httpx.Client(base_url=hub.address, headers=SAME_SITE, follow_redirects=True) as browser:
        _choose_password(browser, name, first)
        yield browser


def _choose_password(browser: httpx.Client, name: str, first: str) -> None:
    browser.post("/sign-in", data={"name": name, "password": first})
    page = browser.get("/password").text
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None, page
    form = {"csrf": found[1], "present": first, "password": PASSWORD, "again": PASSWORD}
    assert browser.post("/password", data=form).status_code == 200


def _subject(http: httpx.Client, caller: dict[str, str], query: str) -> str:
    """Return the id of the Patient that the first match is about."""
    found = http.get(f"/fhir/{query}", headers=caller).json()["entry"][0]["resource"]
    return str(found["subject"]["reference"].removeprefix("Patient/"))


def _consent(http: httpx.Client, caller: dict[str, str], patient: str) -> dict[str, object]:
    answer = http.post("/fhir/Consent", headers=caller, json=a_consent(patient, "clinic-c"))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@needs_examples
def test_the_story(hub: HubProcess) -> None:
    hospital, clinic = hub.token("system-hospital-a"), hub.token("system-clinic-c")
    image = a_file()
    study, series, _ = uids(image)
    dicom = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    json = {"content-type": "application/fhir+json"}
    with httpx.Client(base_url=hub.address) as http, _signed_in(hub, "doctor", "clinic-c", "doctor") as doctor:
        posted = http.post("/fhir/Bundle", headers=hospital | json, content=REFERRAL.read_bytes())
        stored = http.post("/dicomweb/studies", headers=hospital | dicom, content=a_body(image))
        assert (posted.status_code, stored.status_code) == (201, 200), posted.text + stored.text
        patient, imaged = (_subject(http, hospital, query) for query in ("Condition", "ImagingStudy"))
        condition = http.get("/fhir/Condition", headers=hospital).json()["entry"][0]["resource"]["id"]
        searches = [
            "/fhir/Patient",
            f"/fhir/Condition?patient={patient}",
            f"/fhir/Patient?_id={patient}&_revinclude=Condition:patient",
            f"/fhir/Condition?_id={condition}&_include=Condition:patient",
            "/fhir/Bundle",
            "/fhir/ImagingStudy",
        ]
        studies = f"/dicomweb/studies?StudyInstanceUID={study}"
        reads = [
            f"/fhir/Patient/{patient}",
            f"/fhir/Condition/{condition}/_history",
            f"/fhir/Condition/{condition}/_history/1",
            f"/fhir/Patient/{patient}/$summary",
            f"/fhir/Bundle/{posted.json()['id']}/$original",
            f"/dicomweb/studies/{study}/metadata",
            f"/dicomweb/studies/{study}/series/{series}/thumbnail",
            f"{address(image)}",
            f"{address(image)}/frames/1",
            f"{address(image)}/rendered",
        ]

        def seen() -> tuple[list[int], list[object], list[int], list[int]]:
            """Return the totals, the studies found, the statuses of reads and of the doctor's pages."""
            totals = [http.get(url, headers=clinic).json()["total"] for url in searches]
            found = http.get(studies, headers=clinic)
            statuses = [http.get(url, headers=clinic).status_code for url in reads]
            pages = [doctor.get(f"/patients/{one}").status_code for one in (patient, imaged)]
            return totals, found.json() if found.status_code == 200 else [], statuses, pages

        before = seen()
        consents = [_consent(http, hospital, one) for one in (patient, imaged)]
        permitted = seen()
        original = http.get(f"/fhir/Bundle/{posted.json()['id']}/$original", headers=clinic).content
        for consent in consents:
            withdrawal = {**consent, "status": "inactive"}
            assert http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=withdrawal).status_code == 200
        withdrawn = seen()

    nothing = ([0] * len(searches), [], [404] * len(reads), [404, 404])
    assert before == nothing
    assert min(permitted[0]) > 0
    assert len(permitted[1]) == 1
    assert permitted[2:] == ([200] * len(reads), [200, 200])
    assert original == REFERRAL.read_bytes()
    assert withdrawn == nothing

    with _signed_in(hub, "auditor", "audit-office", "auditor") as auditor:
        page = auditor.get("/audit", params={"user": "doctor"}).text
    assert f"/patients/{patient}" in page
    assert "clinic-c" in page

    hub.stop()
    proved = hub.renkei("audit", "verify")
    settings = Settings(home=hub.home, database=hub.database)
    _tamper(settings, 7)
    refuted = hub.renkei("audit", "verify", check=False)

    assert "are as they were signed" in proved.stdout
    assert refuted.returncode == 3
    assert "record 7 was altered" in refuted.stdout
