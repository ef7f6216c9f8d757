"""`renkei export`: a site and a patient as SS-MIX2 stores."""

import json
import signal
from pathlib import Path

import pytest

from app.exchange.ssmix2.export import run
from tests.app.cli.conftest import Renkei
from tests.world import a_patient


def _patients(hospital: Renkei, tmp_path: Path, *numbers: str) -> None:
    system = "urn:oid:1.2.392.100495.20.3.51.10110000001"
    lines = [
        json.dumps(a_patient(id=f"p{number}", identifier=[{"system": system, "value": number}])) for number in numbers
    ]
    file = tmp_path / "all.ndjson"
    file.write_text("\n".join(lines))
    assert hospital("import", str(file), "--as", "hospital-a").exit_code == 0


def test_a_site_is_exported_once(hospital: Renkei, tmp_path: Path) -> None:
    _patients(hospital, tmp_path, "0001", "0002")

    first = hospital("export", "ssmix2", "--site", "hospital-a", "--to", str(tmp_path / "out"))
    again = hospital("export", "ssmix2", "--site", "hospital-a", "--to", str(tmp_path / "out"))

    assert (first.exit_code, again.exit_code) == (0, 1), first.output + again.output
    assert "2 patients, 2 files, 0 resources that no file holds" in first.stdout
    assert "--resume" in again.output
    assert len(list((tmp_path / "out" / "standard").rglob("*_ADT-00_*"))) == 2


def test_a_signal_stops_an_export_and_resuming_goes_on(
    hospital: Renkei, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _patients(hospital, tmp_path, "0001", "0002")
    gathered, signals = run._gathered, [signal.SIGTERM]

    async def signalled(*how: object) -> object:
        found = await gathered(*how)  # type: ignore[arg-type]
        if signals:
            signal.raise_signal(signals.pop())
        return found

    monkeypatch.setattr(run, "_gathered", signalled)
    command = ("export", "ssmix2", "--site", "hospital-a", "--to", str(tmp_path / "out"), "--resume")

    stopped, done = hospital(*command), hospital(*command)

    assert (stopped.exit_code, done.exit_code) == (1, 0), stopped.output + done.output
    assert "1 patients, 1 files" in stopped.output
    assert "1 patients (1 done before), 1 files" in done.output


@pytest.mark.parametrize(
    ("how", "exit_code", "told"),
    [
        ((), 2, "either --site or --patient"),
        (("--site", "hospital-a", "--patient", "1"), 2, "either --site or --patient"),
        (("--site", "nowhere"), 1, "No organisation is called nowhere"),
        (("--patient", "nobody"), 1, "Patient/nobody does not exist"),
    ],
)
def test_what_cannot_be_exported_is_said(
    hospital: Renkei, tmp_path: Path, how: tuple[str, ...], exit_code: int, told: str
) -> None:
    answer = hospital("export", "ssmix2", *how, "--to", str(tmp_path / "out"))

    assert (answer.exit_code, told in answer.output) == (exit_code, True), answer.output
