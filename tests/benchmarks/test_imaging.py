"""What the imaging benchmark gives to both servers is sound, and its figures say what they compare."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.imaging import bare, made
from benchmarks.imaging.measure import BARS, Pair, Size
from dicom.indexing import indexed
from dicom.multipart import boundary_of, read_parts
from dicom.part10 import read_instance


def test_small_studies_differ_in_what_is_searched_and_in_nothing_else() -> None:
    files = list(made.small(range(7, 9)))
    facts = [indexed(read_instance(file)) for file in files]

    assert [one.study.study_instance_uid for one in facts] == [
        "1.2.392.200036.9999.1.000000007",
        "1.2.392.200036.9999.1.000000008",
    ]
    assert [one.study.patient_id for one in facts] == ["P00000007", "P00000008"]
    assert [one.study.patient_name.ideographic for one in facts] == ["鈴木^一郎", "高橋^由紀"]
    assert facts[0].study.accession_number == "A00000007"
    assert (
        len({one.instance.sop_instance_uid for one in facts})
        == len({one.series.series_instance_uid for one in facts})
        == 2
    )
    assert len(files[0]) == len(files[1])


def test_days_are_days() -> None:
    days = {made.Small(number).date for number in range(0, 50_000, 40)}

    assert len(days) == 1_250
    assert (min(days), max(days)) == ("20210101", "20240918")


def test_a_body_holds_its_files() -> None:
    files = list(made.small(range(3)))
    taken: list[bytearray] = []

    class Sink:
        def __init__(self) -> None:
            taken.append(bytearray())

        def write(self, content: memoryview) -> None:
            taken[-1].extend(content)

    async def parts() -> int:
        async def chunks():  # type: ignore[no-untyped-def]
            yield made.body(files)

        boundary = boundary_of(made.CONTENT_TYPE)
        read = read_parts(chunks(), boundary, Sink, max_part_bytes=10**6, max_request_bytes=10**6)
        return len([part async for part in read])

    assert asyncio.run(parts()) == 3
    assert taken == files


def test_a_time_is_the_better_the_less_it_is_and_a_rate_the_more(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Pair.__new__(Pair)
    both.database, both.tell, both.size = "sqlite", lambda _: None, Size(1, 1, 1, 1)
    monkeypatch.setattr(Pair, "turns", lambda *_: (2.0, 8.0))

    time = both.figure("metadata", lambda _: 0.0, "metadata", "ms")
    rate = both.figure("frames", lambda _: 0.0, "frames", "requests/s")

    assert (time.ratio, time.bar, time.holds) == (4.0, 20.0, False)
    assert (rate.ratio, rate.bar, rate.holds) == (0.25, BARS["frames"], False)


def test_bare_files_are_all_there_under_their_names(tmp_path: Path) -> None:
    bare.keep(tmp_path, [b"one", b"two"], 5)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"5": b"one", "6": b"two"}
