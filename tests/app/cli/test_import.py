import gzip
import json
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from app.access.directory import find_organisation
from app.lifecycle import open_hub
from app.records.bulk_import import run
from app.records.inside import inside_request
from app.records.search import search_pairs
from app.settings import Settings
from tests.app.cli.conftest import Renkei
from tests.world import a_patient, an_observation


async def _found(settings: Settings, type_name: str) -> list[dict[str, object]]:
    hub = await open_hub(settings)
    organisation = await find_organisation(hub.database.reader, "hospital-a")
    request = await inside_request(hub, organisation, "GET", f"/fhir/{type_name}")
    request.type = type_name
    bundle = json.loads((await search_pairs(request, [("_count", "1000")])).body)
    await hub.close()
    return [one["resource"] for one in bundle.get("entry", ())]


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "more").mkdir(parents=True)
    observations = [json.dumps(an_observation("p1", id=f"o{number}")) for number in range(5)]
    (folder / "a.ndjson").write_text("\n".join(observations))
    (folder / "more" / "b.ndjson.gz").write_bytes(gzip.compress(json.dumps(a_patient(id="p1")).encode()))
    (folder / "readme.txt").write_text("no NDJSON")
    return folder


def test_a_folder_is_imported_and_done_again_changes_nothing(
    hospital: Renkei, settings: Settings, tmp_path: Path
) -> None:
    folder = _folder(tmp_path)

    first, again = [hospital("import", str(folder), "--as", "hospital-a") for _ in range(2)]

    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert "created\t6\nupdated\t0\nunchanged\t0\nfaulty\t0\n" in first.stdout
    assert "created\t0\nupdated\t0\nunchanged\t6\nfaulty\t0\n" in again.stdout
    (patient,) = anyio.run(_found, settings, "Patient")
    observations = anyio.run(_found, settings, "Observation")
    assert [one["subject"] for one in observations] == [{"reference": f"Patient/{patient['id']}"}] * 5


def test_a_signal_stops_an_import_and_the_same_command_goes_on(
    hospital: Renkei, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_LINES", 2)
    folder, transaction, signals = _folder(tmp_path), run.Importing._transaction, [signal.SIGTERM, signal.SIGINT]

    async def signalled(self: run.Importing, *how: Any) -> None:
        await transaction(self, *how)
        if signals:
            signal.raise_signal(signals.pop())

    monkeypatch.setattr(run.Importing, "_transaction", signalled)
    before = signal.getsignal(signal.SIGTERM)

    answers = [hospital("import", str(folder), "--as", "hospital-a") for _ in range(3)]

    assert [one.exit_code for one in answers] == [1, 1, 0], [one.output for one in answers]
    assert ["goes on from here" in one.stderr for one in answers] == [True, True, False]
    assert ["created\t1\n" in answers[0].stdout, "created\t3\n" in answers[1].stdout] == [True, True]
    assert "created\t6\nupdated\t0\nunchanged\t0\n" in answers[2].stdout
    assert signal.getsignal(signal.SIGTERM) == before


def test_faulty_lines_are_told_with_their_numbers(hospital: Renkei, tmp_path: Path) -> None:
    file, report = tmp_path / "all.ndjson", tmp_path / "report.ndjson"
    file.write_text(json.dumps(a_patient(id="p1")) + "\n" + json.dumps(a_patient(id="p2", colour="red")) + "\n")

    told = hospital("import", str(file), "--as", "hospital-a")
    kept = hospital("import", str(file), "--as", "hospital-a", "--report", str(report))

    assert (told.exit_code, kept.exit_code) == (1, 1)
    assert "all.ndjson, line 2: Patient.colour" in told.stderr
    assert "created\t1\n" in told.stdout
    assert "faulty\t1\n" in told.stdout
    assert "line 2" not in kept.stderr.replace("all.ndjson, line 2; ", "")
    (outcome,) = [json.loads(line) for line in report.read_text().splitlines()]
    assert outcome["issue"][0]["expression"] == ["Patient.colour"]


@pytest.mark.parametrize("site", ["nowhere", "hospital-a"])
def test_an_unknown_site_and_an_empty_folder_are_messages(hospital: Renkei, tmp_path: Path, site: str) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    if site == "nowhere":
        (folder / "a.ndjson").write_text(json.dumps(a_patient(id="p1")))

    refused = hospital("import", str(folder), "--as", site)

    assert refused.exit_code == 1
    assert ("nowhere" if site == "nowhere" else "no file of NDJSON") in refused.output
