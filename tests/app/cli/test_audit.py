from pathlib import Path

import orjson

from tests.app.cli.conftest import Renkei


def test_the_log_is_proven_in_the_database_and_in_an_export(hospital: Renkei, tmp_path: Path) -> None:
    folder, key = tmp_path / "export", tmp_path / "key"
    key.write_text(hospital("audit", "key").output)

    here = hospital("audit", "verify")
    hospital("audit", "export", str(folder))
    there = hospital("audit", "verify", "--export", str(folder), "--key", str(key))

    assert here.exit_code == 0
    assert there.exit_code == 0
    assert "records are as they were signed" in there.output


def test_a_changed_export_is_refuted_by_the_number_of_the_record(hospital: Renkei, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    hospital("audit", "export", str(folder))
    records = folder / "records.ndjson"
    lines = records.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"v":1', b'"v":2')
    records.write_bytes(b"".join(lines))

    refuted = hospital("audit", "verify", "--export", str(folder))

    assert refuted.exit_code == 3
    assert "record 1 was altered" in refuted.output


def test_a_log_that_was_cut_off_is_refuted_by_a_known_checkpoint(hospital: Renkei, tmp_path: Path) -> None:
    early, late, known = tmp_path / "early", tmp_path / "late", tmp_path / "checkpoint"
    hospital("audit", "export", str(early))
    hospital("client", "add", "ehr-a", "--organisation", "hospital-a")
    hospital("audit", "export", str(late))
    known.write_text(orjson.loads((late / "checkpoints.ndjson").read_bytes().splitlines()[-1]))

    refuted = hospital("audit", "verify", "--export", str(early), "--known", str(known))

    assert refuted.exit_code == 3
    assert "some are missing" in refuted.output


def test_an_export_does_not_overwrite(hospital: Renkei, tmp_path: Path) -> None:
    refused = hospital("audit", "export", str(tmp_path))

    assert refused.exit_code == 1
    assert "is there already" in refused.output
