import random
import struct

import numpy as np
import pytest

from app.portal.attachments.markup import Unreadable
from app.portal.attachments.mfer import MOST_SECONDS, Lead, read_mfer
from app.portal.attachments.waveform import COLUMNS, trace
from tests.attachments import an_mfer


@pytest.mark.parametrize("little", [True, False])
def test_the_header_and_the_leads_are_read_in_both_byte_orders(little: bool) -> None:
    found = read_mfer(an_mfer(little=little))

    assert (found.kind, found.time, found.maker) == ("ecg12", "2024-05-01 10:30", "フクダ FX-1")
    assert (found.channels, found.frames) == (3, 1)
    assert found.person.names == ("山田太郎", "ヤマダタロウ")
    assert (found.person.birth_date, found.person.gender) == ("1960-01-02", "male")
    assert found.person.numbers == (("", "04760005"),)
    assert [(one.name, one.unit, one.seconds, len(one.values)) for one in found.leads] == [
        ("I", "V", 0.004, 500),
        ("II", "V", 0.004, 500),
        ("V1", "V", 0.004, 500),
    ]
    assert found.leads[2].values[0] == pytest.approx(0.0002)


def test_a_long_recording_is_read_for_its_first_seconds() -> None:
    found = read_mfer(an_mfer(leads=[1], seconds=30))

    assert len(found.leads[0].values) == MOST_SECONDS * 250


def test_a_trace_has_the_columns_of_its_picture() -> None:
    lead = read_mfer(an_mfer(leads=[1], seconds=10)).leads[0]

    drawn = trace(lead)

    assert len(drawn.lines) == 1
    assert len(drawn.lines[0].split()) <= 2 * COLUMNS
    assert (drawn.low, drawn.high, drawn.seconds) == ("-0.999 mV", "0.999 mV", "10")


def test_a_trace_keeps_time() -> None:
    line = trace(Lead("I", "", 0.001, np.arange(1_000.0))).lines[0].split()

    points = [(float(x), float(y)) for x, y in (one.split(",") for one in line)]
    assert max(abs(88 - 86 * x / 800 - y) for x, y in points) < 0.2


def test_a_gap_parts_the_line() -> None:
    values = np.array([1.0, 2.0, np.nan, 1.0, 2.0])

    assert len(trace(Lead("I", "", 0.1, values)).lines) == 2
    assert trace(Lead("I", "", 0.1, np.array([np.nan]))).lines == []


def definition(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        an_mfer()[:-600],
        definition(0x05, b"\0\0") + definition(0x1E, b"ab"),
        definition(0x05, b"\xff\xff") + definition(0x1E, b"ab"),
        definition(0x0A, b"\x09") + definition(0x1E, b"ab"),
        definition(0x0E, b"\0\1") + definition(0x1E, b"ab"),
        definition(0x0B, b"\1\0\0\0") + definition(0x1E, b"ab"),
        definition(0x04, b"\xff\xff\xff\xff") + definition(0x1E, b"ab"),
        definition(0x05, b"\x40") + definition(0x04, b"\0\xff\xff\xff") + b"\x1e\x84\x01\0\0\0" + b"\0" * (1 << 24),
        b"\x1e\x84\xff\xff\xff\xff",
        b"\x1e\x85\0\0\0\0\0",
        b"\x3f\xff",
        b"\x16\x80",
        definition(0x16, b"") * 30_000,
    ],
)
def test_what_is_broken_or_not_read_is_said_to_be(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        read_mfer(octets)


def test_no_bytes_do_anything_but_be_read_or_refused() -> None:
    chance = random.Random(5)
    whole = an_mfer()

    for _ in range(400):
        octets = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            octets[chance.randrange(180)] = chance.randrange(256)
        try:
            for lead in read_mfer(bytes(octets[: chance.randrange(10, len(octets))])).leads:
                trace(lead)
        except Unreadable:
            continue


def test_a_sample_that_says_nothing_is_a_gap() -> None:
    octets = definition(0x12, struct.pack(">h", -32768)) + definition(0x1E, struct.pack(">3h", 1, -32768, 2))

    assert np.isnan(read_mfer(octets).leads[0].values).tolist() == [False, True, False]
