from pathlib import Path

import orjson
import pytest

from app.audit import standalone
from app.settings import settings
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


def test_keys_are_exchanged_and_the_log_proven_from_the_old_one(hospital: Renkei, tmp_path: Path) -> None:
    key, folder = tmp_path / "key", tmp_path / "export"
    key.write_text(hospital("audit", "key").output)

    exchanged = hospital("audit", "rotate-key")
    sealed = hospital("audit", "rotate-master")
    hospital("client", "add", "ehr-a", "--organisation", "hospital-a")
    hospital("audit", "export", str(folder))
    there = hospital("audit", "verify", "--export", str(folder), "--key", str(key))
    here = hospital("audit", "verify")

    assert exchanged.output == hospital("audit", "key").output != key.read_text()
    assert "master key 2" in sealed.output
    assert (there.exit_code, here.exit_code) == (0, 0), there.output + here.output


def test_proofs_are_printed(hospital: Renkei, tmp_path: Path) -> None:
    record, key, program = tmp_path / "record", tmp_path / "key", tmp_path / "renkei-audit.pyz"
    old, proof, growth = tmp_path / "old", tmp_path / "proof", tmp_path / "growth"
    key.write_text(hospital("audit", "key").output)
    old.write_text(hospital("audit", "checkpoint").output)
    hospital("client", "add", "ehr-a", "--organisation", "hospital-a")

    proof.write_text(hospital("audit", "inclusion", "0", "--record", str(record)).output)
    growth.write_text(hospital("audit", "consistency", old.read_text().split("\n")[1]).output)
    missing = hospital("audit", "inclusion", "9999")
    hospital("audit", "program", str(program))

    for arguments in (
        ["record", str(record), "--proof", str(proof), "--key", str(key)],
        ["growth", str(growth), "--from", str(old), "--key", str(key)],
    ):
        with pytest.raises(SystemExit) as ended:
            standalone.main(arguments)
        assert ended.value.code == 0
    assert missing.exit_code == 1
    assert hospital("audit", "program", str(program)).exit_code == 1


def test_tiles_are_written_and_witnesses_asked(hospital: Renkei, tmp_path: Path) -> None:
    written = hospital("audit", "tiles", str(tmp_path / "log"))
    asked = hospital("audit", "cosign")

    assert "new tiles" in written.output
    assert (tmp_path / "log" / "checkpoint").read_text().count("\n") == 5
    assert asked.output == "0 witnesses have signed\n"


def test_a_witness_is_made_and_trusts_a_log(renkei: Renkei, tmp_path: Path) -> None:
    folder = str(tmp_path / "witness")
    made = renkei("witness", "create", folder, "--name", "hospital-a.example.jp/witness")

    trusted = renkei("witness", "trust", folder, renkei("audit", "key").output.strip())
    refused = [renkei("witness", "trust", folder, "x"), renkei("witness", "create", folder, "--name", "x")]

    assert made.output.startswith("hospital-a.example.jp/witness+")
    assert trusted.output == "The log renkei.example/audit is witnessed\n"
    assert [one.exit_code for one in refused] == [1, 1]


def test_roots_of_time_stamps_that_cannot_be_read_are_a_message(
    hospital: Renkei, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent, empty, folder = tmp_path / "absent.pem", tmp_path / "empty.pem", tmp_path / "export"
    empty.write_text("")
    hospital("audit", "export", str(folder))
    there = hospital("audit", "verify", "--export", str(folder), "--timestamps", str(empty))
    monkeypatch.setenv("RENKEI_AUDIT_TIMESTAMP_ROOTS", str(absent))
    settings.cache_clear()

    here = hospital("audit", "verify")

    assert (here.exit_code, there.exit_code) == (1, 1)
    assert f"Error: {absent}" in here.output
    assert f"Error: {empty}" in there.output
