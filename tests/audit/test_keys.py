"""Derived keys: each for one purpose, the same every time, and none without its master key."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.audit.keys import Keys, UnknownKey

MASTER = bytes(range(32))
SALT = b"s" * 32


def test_the_identifier_key_of_a_year_is_hkdf_of_the_master_key():
    expected = HKDF(SHA256(), 32, None, b"renkei/audit/identifier/2026").derive(MASTER)

    assert Keys({1: MASTER}).identifier_key(2026) == expected


def test_the_detail_key_of_a_patient_is_hkdf_of_the_master_key_and_the_salt():
    expected = HKDF(SHA256(), 32, SALT, b"renkei/audit/details").derive(MASTER)

    assert Keys({1: MASTER}).detail_key(SALT) == expected


def test_no_two_purposes_share_a_key():
    keys = Keys({1: MASTER, 2: bytes(32)})

    derived = {
        *(keys.identifier_key(year, key) for year in (2026, 2027) for key in keys.ids),
        *(keys.hub_detail_key(year, key) for year in (2026, 2027) for key in keys.ids),
        *(keys.detail_key(salt, key) for salt in (SALT, b"t" * 32) for key in keys.ids),
    }

    assert len(derived) == 12


def test_the_newest_key_seals_and_comes_first():
    keys = Keys({1: MASTER, 3: bytes(32), 2: b"x" * 32})

    assert keys.current == 3
    assert keys.ids == (3, 2, 1)
    assert keys.identifier_key(2026) == keys.identifier_key(2026, 3)


def test_a_pseudonym_is_an_hmac_and_its_first_64_bits():
    text, number = Keys({1: MASTER}).pseudonym("patient", "Patient/1", 2026, 1)

    # Computed with OpenSSL's commands kdf and mac.
    assert text == "R-3UYqYZ1G4svYHNVwSHD67LrT0Ou5VbZXldg4GHdBk"
    assert number == 5183032266331903086


def test_kinds_and_years_have_pseudonyms_of_their_own():
    keys = Keys({1: MASTER})

    pseudonyms = {keys.pseudonym(kind, "1", year, 1)[0] for kind in ("patient", "user") for year in (2026, 2027)}

    assert len(pseudonyms) == 4


def test_what_was_derived_can_be_forgotten_and_derived_again():
    keys = Keys({1: MASTER})
    first = keys.pseudonym("user", "1", 2026, 1)
    keys.cipher(SALT, 1)

    keys.forget()

    assert keys.cipher.cache_info().currsize == 0
    assert keys.pseudonym("user", "1", 2026, 1) == first


def test_a_key_that_is_not_in_the_ring_derives_nothing():
    keys = Keys({1: MASTER})

    for unknown in (0, 2):
        with pytest.raises(UnknownKey):
            keys.identifier_key(2026, unknown)
        with pytest.raises(UnknownKey):
            keys.detail_key(SALT, unknown)


def test_a_short_salt_is_refused():
    with pytest.raises(ValueError, match="16 random bytes"):
        Keys({1: MASTER}).detail_key(b"short")


@pytest.mark.parametrize("masters", [{}, {0: MASTER}, {256: MASTER}, {1: b"short"}])
def test_a_ring_that_cannot_seal_is_refused(masters):
    with pytest.raises(ValueError, match="master key"):
        Keys(masters)


def test_a_ring_that_cannot_be_read_again_leaves_the_keys_as_they_are():
    rings = [{1: b"a" * 32, 2: b"b" * 32}, {}]
    keys = Keys({1: b"a" * 32}, reread=lambda: rings.pop(0))

    assert keys.renew()
    with pytest.raises(ValueError, match="at least one"):
        keys.renew()
    assert (keys.current, keys.ids) == (2, (2, 1))
