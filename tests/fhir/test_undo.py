import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.undo import apply, original


def test_a_script_holds_only_what_was_replaced():
    body, undo = apply(b"0123456789" * 20, [(3, 5, b"abc"), (150, 150, b"!" * 200)])

    assert body == b"012abc56789" + b"0123456789" * 14 + b"!" * 200 + b"0123456789" * 5
    assert undo == bytes([1, 3, 3, 2]) + b"34" + bytes([0x91, 0x01, 0xC8, 0x01, 0])
    assert original(body, undo) == b"0123456789" * 20


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=300)), max_size=6))
def test_original_takes_back_any_edits(body, made):
    cuts = sorted(min(cut, len(body)) for cut, _ in made for _ in range(2))
    edits = [(cuts[2 * n], cuts[2 * n + 1], new) for n, (_, new) in enumerate(made)]

    assert original(*apply(body, edits)) == body


@pytest.mark.parametrize(
    ("undo", "message"),
    [
        (b"", "unknown version"),
        (b"\x02", "unknown version"),
        (b"\x01\x00\x00\x05ab", "cut short"),
        (b"\x01\x00\x81", "cut short"),
        (b"\x01\x03\x03\x00", "another body"),
    ],
)
def test_original_refuses_a_script_that_does_not_fit(undo, message):
    with pytest.raises(ValueError, match=message):
        original(b"body", undo)
