"""A line of the second log: what a disk did to it is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.second.entries import KINDS, Entry, MalformedEntry, line, parse

LINE = line(4711, "access", b'{"a":"R","t":1}')


@given(st.integers(0, 2**63 - 1), st.sampled_from(KINDS), st.binary(min_size=1))
def test_what_was_written_is_read(row: int, kind: str, record: bytes) -> None:
    assert parse(line(row, kind, record)[:-1]) == Entry(row, kind, record)


@pytest.mark.parametrize("bit", range(8 * (len(LINE) - 1)))
def test_a_line_of_which_a_bit_has_changed_is_none(bit: int) -> None:
    changed = bytearray(LINE[:-1])
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(MalformedEntry):
        parse(bytes(changed))
