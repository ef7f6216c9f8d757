"""`renkei report breach`: whom somebody affected, with what, by whom and when; the list itself is on record."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.settings import Settings
from app.settings import settings as chosen
from tests.world import a_consent, a_patient, an_observation, running

Renkei = Callable[..., Result]
JAPAN = timezone(timedelta(hours=9))
FIRST, SECOND = (
    a_patient(
        identifier=[{"system": "urn:oid:1.2.392.100495.20.3.51.11311234567", "value": value}],
        address=[{"postalCode": "060-0001", "state": "北海道", "city": "札幌市", "line": ["北1条"]}],
        telecom=[{"system": "phone", "value": "011-000-0000"}],
        name=[{"text": name}],
    )
    for value, name in (("0001", "山田太郎"), ("0002", "佐藤花子"))
)


@pytest.fixture
def renkei(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Renkei:
    monkeypatch.setenv("RENKEI_HOME", str(settings.home))
    monkeypatch.setenv("RENKEI_DATABASE", settings.database)
    chosen.cache_clear()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    return run


def seeded(settings: Settings) -> dict[str, str]:
    """Two persons at hospital-a, one of whom clinic-c reads as well, and one who is written by hospital-b."""

    async def seed() -> dict[str, str]:
        async with running(settings) as world:
            owner = await world.client("hospital-a")
            ids = {name: (await world.post(owner, body))["id"] for name, body in (("first", FIRST), ("second", SECOND))}
            ids["result"] = (await world.post(owner, an_observation(ids["first"])))["id"]
            await world.post(owner, a_consent(ids["first"], "clinic-c"))
            reader = await world.client("clinic-c", role="doctor")
            for address in (f"Observation/{ids['result']}", f"Observation?patient={ids['first']}"):
                assert (await world.http.get(f"/fhir/{address}", headers=reader)).status_code == 200
            assert (await world.http.get(f"/fhir/Patient/{ids['second']}", headers=reader)).status_code == 404
            return ids

    return asyncio.run(seed())


def events(settings: Settings) -> list[Any]:
    async def read() -> list[Any]:
        from app.audit.review import Question, Reviewer
        from app.lifecycle import open_hub

        hub = await open_hub(settings)
        hub.audit.start()
        await hub.leader.integrate_all()
        answer = await Reviewer(hub.audit.keys).ask(hub.database.reader, Question(), now=hub.clock(), limit=200)
        await hub.close()
        return [entry.event for entry in reversed(answer.entries)]

    return asyncio.run(read())


def rows(shown: Result) -> list[dict[str, str]]:
    assert shown.exit_code == 0, shown.output
    return list(csv.DictReader(io.StringIO(shown.output.removeprefix("\ufeff"))))


def test_who_was_read_by_a_client_is_listed_with_what(settings: Settings, renkei: Renkei) -> None:
    ids = seeded(settings)

    (one,) = rows(renkei("report", "breach", "--client", "clinic-c-doctor", "--format", "csv"))

    assert one["Patient"] == f"Patient/{ids['first']}"
    assert one["保有施設 / Held by"] == "hospital-a"
    assert (one["回数 / Times"], one["閲覧 / read"], one["変更 / changed"]) == ("2", "2", "0")
    assert one["データの種類 / Kinds of data"] == "Observation 2"
    assert (one["件数 / Resources"], one["ID"]) == ("1", f"Observation/{ids['result']}")
    assert "氏名 / Name" not in one


def test_the_list_says_by_whom_and_when_each_access_was(settings: Settings, renkei: Renkei) -> None:
    ids = seeded(settings)

    by = rows(renkei("report", "breach", "--site", "clinic-c", "--format", "csv", "--table", "by"))
    accesses = rows(renkei("report", "breach", "--site", "clinic-c", "--format", "csv", "--table", "accesses"))

    assert [(one["システム / Client"], one["患者 / Patients"], one["回数 / Times"]) for one in by] == [
        ("clinic-c-doctor", "1", "2")
    ]
    assert [one["対象 / What"] for one in accesses] == [
        f"/fhir/Observation?patient={ids['first']}",
        f"Observation/{ids['result']}",
    ]
    assert {one["操作 / Did"] for one in accesses} == {"read"}


def test_names_are_there_when_they_are_asked_for(settings: Settings, renkei: Renkei) -> None:
    seeded(settings)

    (one,) = rows(renkei("report", "breach", "--client", "clinic-c-doctor", "--names", "--format", "csv"))

    assert (one["患者番号 / Numbers"], one["氏名 / Name"]) == ("0001", "山田太郎")
    assert (one["住所 / Address"], one["電話 / Telephone"]) == ("060-0001 北海道札幌市北1条", "011-000-0000")


def test_the_text_counts_persons_and_gives_the_terms_of_the_law(settings: Settings, renkei: Renkei) -> None:
    seeded(settings)

    shown = renkei("report", "breach", "--client", "hospital-a-system", "--known", "2026-04-01").output

    assert "- 本人の数 / Persons: 2\n" in shown
    assert "- 速報の期限 / First report due: 2026-04-06\n" in shown
    assert "- 確報の期限 / Full report due: 2026-05-01\n" in shown
    assert "- 同、不正の目的 / The same, if harm was meant: 2026-05-31\n" in shown
    assert "変更 / changed 4" in shown


def test_attempts_that_failed_affect_nobody(settings: Settings, renkei: Renkei) -> None:
    seeded(settings)

    shown = renkei("report", "breach", "--client", "clinic-c-doctor").output

    assert "- 成立しなかった試み / Attempts that failed: 1\n" in shown


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--client", "clinic-c-doctor", "--holder", "hospital-b"), 0),
        (("--client", "clinic-c-doctor", "--holder", "hospital-a"), 1),
        (("--client", "clinic-c-doctor", "--address", "192.0.2.1"), 0),
        (("--from", "2020-01-01", "--to", "2020-01-31"), 0),
        (("--from", "2020-01-01"), 2),
        (("--account", "nobody"), 0),
    ],
    ids=["another holder", "its holder", "another address", "another time", "since then", "nobody"],
)
def test_a_question_is_narrowed(settings: Settings, renkei: Renkei, options: tuple[str, ...], count: int) -> None:
    seeded(settings)

    assert len(rows(renkei("report", "breach", *options, "--format", "csv"))) == count


def test_each_patient_of_the_list_has_a_record_of_it(settings: Settings, renkei: Renkei) -> None:
    ids = seeded(settings)

    assert renkei("report", "breach", "--client", "clinic-c-doctor", "--names").exit_code == 0

    told = events(settings)[-1]
    assert (told.interaction, told.client, told.patient) == ("audit-log-used", "renkei-cli", f"Patient/{ids['first']}")
    assert told.custodian == "Organization/hospital-a"
    assert "with names" in told.description


def test_a_list_of_nobody_is_on_record_too(settings: Settings, renkei: Renkei) -> None:
    seeded(settings)

    assert renkei("report", "breach", "--account", "nobody").exit_code == 0

    told = events(settings)[-1]
    assert (told.interaction, told.patient) == ("audit-log-used", None)
    assert "nobody" in told.description


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (("--client", "clinic-c-doctor"), 1),
        (("--site", "clinic-c", "--holder", "hospital-a"), 1),
        (("--client", "clinic-c-doctor", "--holder", "hospital-b"), 0),
    ],
)
def test_a_patient_whose_details_are_erased_is_on_the_list(
    settings: Settings, renkei: Renkei, asked: tuple[str, ...], count: int
) -> None:
    ids = seeded(settings)
    assert renkei("audit", "erase", ids["first"], "--reason", "a test", "--yes").exit_code == 0

    found = rows(renkei("report", "breach", *asked, "--format", "csv"))

    assert [(one["本人 / Person"], one["保有施設 / Held by"]) for one in found] == [("—", "hospital-a")] * count


def test_a_month_counts_what_is_erased(settings: Settings, renkei: Renkei) -> None:
    ids = seeded(settings)
    asked = ("report", "month", "--site", "hospital-a", "--month", f"{datetime.now(JAPAN):%Y-%m}", "--format", "csv")
    before = {one["code"]: one["回数 / Times"] for one in rows(renkei(*asked))}
    assert renkei("audit", "erase", ids["first"], "--reason", "a test", "--yes").exit_code == 0

    after = {one["code"]: one["回数 / Times"] for one in rows(renkei(*asked))}

    assert before["given"] == "2"
    assert [after[line] for line in ("own", "given", "changed")] == [
        before[line] for line in ("own", "given", "changed")
    ]


def test_something_must_be_asked(renkei: Renkei) -> None:
    answer = renkei("report", "breach")

    assert answer.exit_code == 2
    assert "--account" in answer.output


def test_a_file_is_its_owners_alone_and_never_overwritten(settings: Settings, renkei: Renkei, tmp_path: Path) -> None:
    seeded(settings)
    file = tmp_path / "breach.html"
    asked = ("report", "breach", "--client", "clinic-c-doctor", "--format", "html", "--output", str(file))

    first, again = renkei(*asked), renkei(*asked)

    assert first.exit_code == 0, first.output
    assert "<td>hospital-a</td>" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (again.exit_code, "is there already" in again.output) == (1, True)


def test_a_table_that_is_not_there_is_named(settings: Settings, renkei: Renkei) -> None:
    answer = renkei("report", "breach", "--account", "nobody", "--format", "csv", "--table", "other")

    assert answer.exit_code == 1
    assert "persons, by, accesses" in answer.output
