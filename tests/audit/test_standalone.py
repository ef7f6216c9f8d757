"""The small program: one file that proves a log with nothing but Python and `cryptography`."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import cryptography
import pytest

from app.audit import checkpoint, note, standalone
from app.audit.checkpoint import Checkpoint
from app.audit.export import Writer
from app.audit.note import COSIGNATURE, Signer
from app.audit.proof_text import inclusion_text
from app.audit.succession import succeed
from app.audit.tree import consistency_proof, inclusion_proof, leaf_hash, reader, root
from app.audit.witness.add_checkpoint import Submission

NAME = "hub.example.jp/audit"
OLD, NEW = Signer.generate(NAME), Signer.generate(NAME)
WITNESS = Signer.generate("hospital-a.example.jp/witness", COSIGNATURE)
RECORDS = [b'{"n":%d}' % number for number in range(12)]
LEAVES = [leaf_hash(record) for record in RECORDS]


def signed(size: int, signer: Signer) -> str:
    text = checkpoint.sign(Checkpoint(NAME, size, root(LEAVES[:size])), signer)
    return text + WITNESS.sign(note.parse(text)[0], 1_800_000_000)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of an auditor: the program, an export, keys, proofs."""
    with Writer(tmp_path / "export", NEW.verifier) as writer:
        for record, leaf in zip(RECORDS, LEAVES, strict=True):
            writer.record(record)
            writer.hash(leaf)
        writer.checkpoint(signed(5, OLD))
        writer.checkpoint(signed(12, NEW))
        writer.succession(succeed(NAME, 5, OLD, NEW))
    standalone.write(tmp_path / "renkei-audit.pyz")
    (tmp_path / "key").write_text(OLD.verifier.vkey + "\n")
    (tmp_path / "new-key").write_text(NEW.verifier.vkey + "\n")
    (tmp_path / "witnesses").write_text(WITNESS.verifier.vkey + "\n")
    (tmp_path / "known").write_text(signed(12, NEW))
    (tmp_path / "old").write_text(checkpoint.sign(Checkpoint(NAME, 7, root(LEAVES[:7])), NEW))
    (tmp_path / "record").write_bytes(RECORDS[3])
    (tmp_path / "proof").write_text(inclusion_text(3, inclusion_proof(3, 12, reader(LEAVES)), signed(12, NEW)))
    growth = Submission(7, tuple(consistency_proof(7, 12, reader(LEAVES))), signed(12, NEW))
    (tmp_path / "growth").write_bytes(growth.to_bytes())
    # A Python of its own: the standard library, and beside it cryptography alone.
    packages = tmp_path / "packages"
    packages.mkdir()
    site = Path(cryptography.__file__).parents[1]
    for wanted in ("cryptography", "cffi", *(path.name for path in site.glob("_cffi_backend*"))):
        (packages / wanted).symlink_to(site / wanted)
    return tmp_path


def command(place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "renkei-audit.pyz", *arguments]


def run(place: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        command(place, *arguments),
        cwd=place,
        env={"PYTHONPATH": str(place / "packages")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_export_is_proven_from_the_old_key_with_what_a_witness_signed(place: Path) -> None:
    asked = ("verify", "export", "--key", "key", "--known", "known", "--witnesses", "witnesses", "--quorum", "1")

    assert run(place, *asked) == (0, "all 12 records are as they were signed\n")


def test_a_tampered_export_is_refuted(place: Path) -> None:
    records = place / "export" / "records.ndjson"
    records.write_bytes(records.read_bytes().replace(b"8", b"9"))

    assert run(place, "verify", "export", "--key", "key") == (3, "record 8 was altered\n")


def test_a_quorum_that_is_missing_is_told(place: Path) -> None:
    code, said = run(place, "verify", "export", "--key", "key", "--witnesses", "witnesses", "--quorum", "2")

    assert code == 3
    assert "too few witnesses have signed those from 0 on" in said


def test_proofs_of_a_record_and_of_growth_are_verified(place: Path) -> None:
    record = run(place, "record", "record", "--proof", "proof", "--key", "new-key")
    growth = run(place, "growth", "growth", "--from", "old", "--key", "new-key")
    (place / "record").write_bytes(RECORDS[4])
    other = run(place, "record", "record", "--proof", "proof", "--key", "new-key")

    assert record == (0, "this is record 3 of the log of 12 records\n")
    assert growth == (0, "the log of 12 records begins with the 7 of the old checkpoint\n")
    assert other == (3, "The log of 12 records does not hold this one as its record 3\n")


def test_what_cannot_be_read_is_a_message(place: Path) -> None:
    (place / "key").write_text("nonsense")

    for arguments in (("verify", "export", "--key", "key"), ("verify", "nowhere", "--key", "new-key")):
        code, said = run(place, *arguments)
        assert code == 1
        assert "Traceback" not in said


def test_the_program_is_a_witness_too(place: Path) -> None:
    made = run(place, "witness", "w", "--create", "w.example.jp", "--trust", NEW.verifier.vkey)
    assert made[0] == 0
    process = subprocess.Popen(
        command(place, "witness", "w", "--listen", "127.0.0.1:0"),
        cwd=place,
        env={"PYTHONPATH": str(place / "packages")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        body = Submission(0, (), signed(12, NEW)).to_bytes()
        with urllib.request.urlopen(f"http://{address}/add-checkpoint", body, timeout=10) as answer:
            line = answer.read().decode()
    finally:
        process.kill()
        process.communicate()

    key = note.Verifier.parse(made[1].strip())
    assert note.verify(signed(12, NEW) + line, [key])[1] == [key]


def test_the_program_is_not_written_over_another(place: Path) -> None:
    with pytest.raises(FileExistsError):
        standalone.write(place / "renkei-audit.pyz")
