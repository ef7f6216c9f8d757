"""The parts of the gateway that need no hub."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.exchange.ssmix2.gateway.batches import Reader, digest_of
from app.exchange.ssmix2.gateway.changes import Transactions
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal, Row
from app.exchange.ssmix2.gateway.line import Letter
from app.exchange.ssmix2.gateway.walk import count_patients, patients, readable, strays
from app.exchange.ssmix2.transactions import patients_in
from tests.ssmix2 import a_file, with_flag

OLD = time.time() - 3600
EARLY, LATE = "20200401090000000", "20200402090000000"


def put(root: Path, *files: tuple[str, bytes], at: float = OLD) -> None:
    for path, body in files:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        os.utime(place, (at, at))


def paths(root: Path, journal: Journal, settle: float = 2.0) -> list[str]:
    reader = Reader(root, journal, settle)
    return [letter.path for batch in reader.batches(patients(root), first=strays(root)) for letter in batch.letters]


def kept(root: Path, journal: Journal, state: int = SENT) -> None:
    for batch in Reader(root, journal, 0).batches(patients(root)):
        rows = [Row(row.path, row.mtime_ns, row.size, row.digest, state) for row in batch.rows]
        journal.keep([*rows, *batch.known])


def test_each_patients_files_come_in_order(tmp_path: Path):
    journal = Journal(tmp_path / "journal")
    old = with_flag(a_file("OML-11", occurred=EARLY), 2)
    new, visit, basic = a_file("OML-11", occurred=LATE), a_file("ADT-12", occurred="20200401080000000"), a_file()
    other = a_file(number="0000000050")
    put(tmp_path / "store", new, visit, old, basic, other)

    found = paths(tmp_path / "store", journal)

    assert found == [one[0] for one in (other, basic, visit, old, new)]
    assert count_patients(tmp_path / "store") == 2


def test_what_was_sent_does_not_come_again_unless_it_has_changed(tmp_path: Path):
    journal, root = Journal(tmp_path / "journal"), tmp_path / "store"
    one, other = a_file("OML-11"), a_file("OMP-01")
    put(root, one, other)
    kept(root, journal)

    assert paths(root, journal) == []
    put(root, one, at=OLD + 10)
    assert paths(root, journal) == []
    put(root, (one[0], one[1] + b"NTE|1\r"), at=OLD + 20)
    assert paths(root, journal) == [one[0]]
    assert journal.counts() == (2, 0)


def test_unfinished_files_wait_and_so_does_what_they_replace(tmp_path: Path):
    journal, root = Journal(tmp_path / "journal"), tmp_path / "store"
    old = with_flag(a_file("OML-11", occurred=EARLY), 2)
    put(root, old, a_file())
    put(root, a_file("OML-11", occurred=LATE), at=time.time())
    put(root, ("000/000/0000000101/20200401/OMP-01/.writing", b"x"), ("000/000/0000000101/x.tmp", b"x"))
    reader = Reader(root, journal, 60)

    found = [letter.path for batch in reader.batches(patients(root)) for letter in batch.letters]

    assert found == [a_file()[0]]
    assert reader.unfinished == {"000/000/0000000101"}


def test_a_content_folder_is_one_letter_and_waits_for_all_of_its_files(tmp_path: Path):
    journal, root = Journal(tmp_path / "journal"), tmp_path / "store"
    folder = "000/000/0000000101/20200401/L1^記録^99Z/0000000101_20200401_L1_S1_20200401090000000_01_1"
    put(root, (f"{folder}/main.xml", b"<a/>"), (f"{folder}/a.png", b"png"))

    (batch,) = Reader(root, journal, 2).batches(patients(root))
    (letter,) = batch.letters
    put(root, (f"{folder}/b.tmp", b""))

    assert (letter.path, letter.parts) == (folder, {"a.png": b"png", "main.xml": b"<a/>"})
    assert paths(root, journal) == []


def test_files_where_a_store_has_none_are_sent_too_so_that_somebody_hears_of_them(tmp_path: Path):
    wrong = ("stray", "999/stray", "999/901/stray", "999/901/9/20200401/d")
    put(tmp_path / "store", *((path, b"a") for path in wrong))

    found = paths(tmp_path / "store", Journal(tmp_path / "journal"))

    assert found == list(wrong)


def test_a_folder_named_in_another_character_set_stops_nothing(tmp_path: Path):
    root, file = tmp_path / "store", a_file()
    put(root, file)
    for folder in (b"\x90V", b"000/\x90V", b"000/000/\x90V"):
        place = root / os.fsdecode(folder) / "x" / "y"
        place.mkdir(parents=True)
        (place / "z").write_bytes(b"z")
        os.utime(place / "z", (OLD, OLD))
        (place.parent.parent / "z").write_bytes(b"z")

    batches = Reader(root, Journal(tmp_path / "journal"), 0).batches(patients(root), first=strays(root))
    lines = [letter.line().decode() for one in batches for letter in one.letters]

    assert any(file[0] in line for line in lines)
    assert any('"000/000/新/x/y/z"' in line for line in lines)


def test_a_batch_ends_with_a_patient_or_when_it_is_full(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("app.exchange.ssmix2.gateway.batches.BATCH_FILES", 2)
    monkeypatch.setattr("app.exchange.ssmix2.gateway.batches.MOST_FILES", 4)
    for number, count in (("0000000001", 3), ("0000000002", 5), ("0000000003", 1)):
        put(tmp_path / "store", *(a_file("OML-11", number=number, order=f"{n:015d}") for n in range(count)))

    reader = Reader(tmp_path / "store", Journal(tmp_path / "journal"), 2)

    assert [len(batch.letters) for batch in reader.batches(patients(tmp_path / "store"))] == [3, 4, 2]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("app.exchange.ssmix2.gateway.batches.MOST_BYTES", 100)
    put(tmp_path / "store", a_file())

    (batch,) = Reader(tmp_path / "store", Journal(tmp_path / "journal"), 2).batches(patients(tmp_path / "store"))

    assert (batch.letters, [(row.path, row.state) for row, _ in batch.refused]) == ([], [(a_file()[0], DEAD)])


def test_dead_letters_say_why_and_go_when_the_hub_has_taken_the_file(tmp_path: Path):
    dead = DeadLetters(tmp_path / "dead")
    finding = {"segment": "PID", "index": 1, "field": 3, "text": "誰の"}

    dead.put("a/b^c", b"body", [finding])

    assert dead.reasons() == [("a/b^c", [finding])]
    assert sorted(place.read_bytes()[:4] for place in (tmp_path / "dead").iterdir()) == [b"body", b"{\n  "]
    dead.remove("a/b^c")
    dead.remove("never")
    assert list((tmp_path / "dead").iterdir()) == []


def test_the_transaction_store_is_read_on_from_where_it_was_read_before(tmp_path: Path):
    journal, folder = Journal(tmp_path / "journal"), tmp_path / "2020"
    folder.mkdir()
    records = folder / "TR_20200401000000000_00001.DAT"
    records.write_bytes(a_file(number="0000000001")[0].encode() + b"\r\n")
    transactions = Transactions(tmp_path, journal)

    transactions.skip()
    assert transactions.read() == []
    with records.open("ab") as file:
        file.write(b"INS\r" + a_file("OML-11", number="0000000002")[1])
    (folder / "TR_20200402000000000_00001.DAT").write_bytes(a_file(number="0000000003")[0].encode())

    found = Transactions(tmp_path, journal).read()

    assert found[-2:] == ["000/000/0000000002", "000/000/0000000003"]
    assert Transactions(tmp_path, journal).read() == []


def test_a_transaction_file_that_was_written_anew_is_read_from_its_beginning(tmp_path: Path):
    journal, records = Journal(tmp_path / "journal.db"), tmp_path / "TR_20200401000000000_00001.DAT"
    records.write_bytes(b"PID|1||0000000001\r" * 50)
    Transactions(tmp_path, journal).read()

    records.write_bytes(b"PID|1||0000000002\r")
    found = Transactions(tmp_path, journal).read()

    assert found == ["000/000/0000000002"]


def test_what_cannot_be_read_is_told_until_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "store").mkdir()
    # Nobody else may pass the folders above.
    monkeypatch.chdir(tmp_path / "store")
    journal, root = Journal(tmp_path / "journal.db"), Path()
    shut, open_ = a_file("OML-11", number="0000000001"), a_file("OML-11", number="0000000002")
    put(root, shut, open_)
    reader = Reader(root, journal, 0)
    (root / shut[0]).chmod(0)

    with as_nobody():
        sent = [one.path for batch in reader.batches(patients(root)) for one in batch.letters]
    told = dict(reader.unread)
    (root / shut[0]).chmod(0o644)
    sent_later = [one.path for batch in reader.batches(patients(root)) for one in batch.letters]

    assert sent == [open_[0]]
    assert told == {shut[0]: "Permission denied"}
    assert (sent_later, reader.unread) == ([shut[0], open_[0]], {})


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be somebody whom permissions bind, which root is not."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_records_are_of_the_patients_that_they_name():
    assert patients_in(b"PID|1||12^^^^PI\rPID|1||34\rnothing") == ["12", "34"]
    assert patients_in(b"\xff\x00") == []


def test_names_are_read_in_the_character_sets_of_japan():
    assert readable(os.fsdecode("経過記録".encode("cp932"))) == "経過記録"
    assert readable("経過記録") == "経過記録"


def test_the_digest_of_a_content_folder_is_that_of_names_and_bytes():
    one, same, other = (
        digest_of(Letter("a", parts=parts)) for parts in ({"x": b"1", "y": b"2"}, {"y": b"2", "x": b"1"}, {"x": b"12"})
    )

    assert one == same != other
