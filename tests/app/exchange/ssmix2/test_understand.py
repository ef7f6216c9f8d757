from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.sent import Sent, understand_all
from app.exchange.ssmix2.understand import Refused, Understood, key_of
from tests.ssmix2 import a_file

SOURCE = Source("hospital-a", "0110000001")
PATH, BODY = a_file("OML-11")


def understood(path: str, body: bytes) -> Understood | Refused:
    (found,) = understand_all([Sent(path, body)], SOURCE)
    return found


def test_the_same_file_gives_the_same_pieces():
    one, same = understood(PATH, BODY), understood(PATH, BODY)

    assert isinstance(one, Understood)
    assert one == same
    assert {piece.key.type for piece in one.pieces} == {"Observation", "DiagnosticReport", "Specimen"}
    assert all(
        key.reference.encode() == link and key_of(link) == key for piece in one.pieces for link, key in piece.links
    )


@given(st.binary(max_size=2_000))
@example(b"MSH|^~\\&|")
@settings(max_examples=150)
def test_any_bytes_are_understood_or_refused(body: bytes):
    assert "failed" not in str(understood(PATH, body))


@given(st.integers(0, len(BODY) - 1), st.binary(min_size=0, max_size=6), st.integers(0, 40))
@settings(max_examples=150)
def test_a_damaged_message_is_understood_or_refused(at: int, put: bytes, cut: int):
    assert "the hub failed" not in str(understood(PATH, BODY[:at] + put + BODY[at + cut :]))
