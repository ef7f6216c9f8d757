"""Exports: written by the hub, proven without it, and every byte of their records counts."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit import checkpoint, export
from app.audit.checkpoint import Checkpoint
from app.audit.keys import Keys
from app.audit.note import Signer
from app.audit.record import Event, seal
from app.audit.tree import Frontier, leaf_hash
from app.audit.verdict import Verdict

SIGNER = Signer.generate("hub.example.jp/audit")
KEYS = Keys({1: bytes(32)})


def an_export(folder, size=30, every=10):
    """Write an export of sealed records and return the offsets at which their lines begin."""
    frontier, offsets, offset = Frontier(), [], 0
    with export.Writer(folder, SIGNER.verifier) as writer:
        for number in range(size):
            record = seal(Event(recorded=number, action="R", interaction="read", user="Practitioner/1"), KEYS)
            frontier.append(leaf_hash(record))
            writer.record(record)
            writer.hash(leaf_hash(record))
            if frontier.size in (size, *range(every, size, every)):
                head = Checkpoint(SIGNER.name, frontier.size, frontier.root())
                writer.checkpoint(checkpoint.sign(head, SIGNER))
            offsets.append(offset)
            offset += len(record) + 1
    return offsets


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit") / "export"
    offsets = an_export(folder)
    return folder, offsets, (folder / export.RECORDS).read_bytes()


def test_an_export_is_proven(tmp_path):
    an_export(tmp_path / "export")

    assert export.verify_export(tmp_path / "export", SIGNER.verifier) == Verdict(30)
    assert sorted(one.name for one in (tmp_path / "export").iterdir()) == [
        *("checkpoints.ndjson", "hashes", "log.vkey", "records.ndjson", "successions.ndjson", "timestamps.ndjson"),
    ]


def test_the_proof_needs_nothing_of_the_server():
    server = ["fastapi", "starlette", "sqlalchemy", "pydantic", "httpx", "app.main", "app.audit.keys"]
    script = f"import sys, app.audit.export; print([one for one in {server} if one in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout == "[]\n"


def test_an_empty_log_exports(tmp_path):
    with export.Writer(tmp_path / "export", SIGNER.verifier) as writer:
        writer.checkpoint(checkpoint.sign(Checkpoint(SIGNER.name, 0, Frontier().root()), SIGNER))

    assert export.verify_export(tmp_path / "export", SIGNER.verifier) == Verdict(0)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_one_altered_byte_names_its_record(exported, data):
    folder, offsets, whole = exported
    at = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(1, 255))
    (folder / export.RECORDS).write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])

    verdict = export.verify_export(folder, SIGNER.verifier)

    expected = sum(offset <= at for offset in offsets) - 1
    if at == len(whole) - 1:
        assert verdict.index == 29
    else:
        assert (verdict.index, verdict.until) == (expected, expected + 1)


@settings(deadline=None)
@given(cut=st.integers(1, 29))
def test_a_file_cut_off_names_the_first_missing_record(exported, cut):
    folder, offsets, whole = exported
    (folder / export.RECORDS).write_bytes(whole[: offsets[cut]])

    assert export.verify_export(folder, SIGNER.verifier) == Verdict(cut // 10 * 10, "removed", cut, cut + 1)


def test_a_checkpoint_line_that_is_no_json_is_told(tmp_path):
    an_export(tmp_path / "export")
    with (tmp_path / "export" / export.CHECKPOINTS).open("ab") as file:
        file.write(b"\xff garbage\n")

    assert export.verify_export(tmp_path / "export", SIGNER.verifier).fault == "checkpoint"


def test_the_key_of_an_export_is_to_compare(tmp_path):
    an_export(tmp_path / "export")

    assert export.vkey(tmp_path / "export") == SIGNER.verifier


def test_an_export_is_not_written_over_another(tmp_path):
    an_export(tmp_path / "export")

    with pytest.raises(FileExistsError):
        export.Writer(tmp_path / "export", SIGNER.verifier)


def test_an_export_without_its_hashes_is_no_export(tmp_path):
    an_export(tmp_path / "export")
    (tmp_path / "export" / export.HASHES).unlink()

    with pytest.raises(FileNotFoundError):
        export.verify_export(tmp_path / "export", SIGNER.verifier)
