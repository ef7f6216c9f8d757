from hashlib import blake2b

import pytest

from fhir.search.hashing import hash64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", -1970711489451281740),
        ("Patient/f001", 2417928248972300194),
        ("http://loinc.org", 4281956892100354830),
    ],
)
def test_a_text_keeps_its_hash_for_ever(text, expected):
    assert hash64(text) == expected


def test_a_hash_is_the_first_64_bits_of_blake2b_signed_and_big_endian():
    digest = blake2b("検査".encode(), digest_size=8).digest()

    assert hash64("検査") == int.from_bytes(digest, "big", signed=True)


def test_long_texts_and_lone_surrogates_have_a_hash():
    assert hash64("a" * 1000) != hash64("a" * 1001)
    assert hash64("\ud800") != hash64("\ud801")
