"""Sealed records: whole with their keys, erased without their salt, and silent without either."""

from base64 import urlsafe_b64decode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit import record
from app.audit.keys import Keys, UnknownKey
from app.audit.record import Event, MalformedRecord, UnknownVersion, Unreadable, seal, unseal
from app.audit.tree import leaf_hash

KEYS = Keys({1: bytes(range(32))})
SALT = b"s" * 32
READ = Event(
    recorded=1_795_341_600_000_001,  # 2026-11-22T10:00:00.000001Z
    action="R",
    interaction="read",
    patient="Patient/4711",
    patient_key=12,
    user="Practitioner/7",
    user_name="山田 太郎",
    client="portal",
    organisation="Organization/1310000001",
    role="physician",
    purpose="TREAT",
    network="192.0.2.7",
    request_id="76d148b6-586d-11ec-bf63-0242ac130002",
    method="GET",
    path="/fhir/Observation/1",
    query="_summary=true",
    entities=("Observation/1/_history/2", "Patient/4711"),
    custodian="Organization/1310000002",
)
START = Event(recorded=1_795_341_600_000_000, action="E", interaction="start")

words = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
events = st.builds(
    Event,
    recorded=st.integers(0, 4_102_444_800_000_000),
    action=st.sampled_from("CRUDE"),
    interaction=st.sampled_from(["read", "search-type", "stow"]),
    outcome=st.sampled_from(["0", "4", "8", "12"]),
    erased=st.just(False),
    patient=st.just("Patient/1") | st.none(),
    patient_key=st.none() | st.integers(0, 2**63 - 1),
    entities=st.lists(st.text("abc/", max_size=9), max_size=3).map(tuple),
    **dict.fromkeys(("outcome_desc", "user", "user_name", "client", "organisation", "role", "purpose"), words),
    **dict.fromkeys(("network", "request_id", "method", "path", "query", "description", "custodian"), words),
)


@settings(deadline=None)
@given(events)
def test_an_event_comes_back_as_it_was_sealed(event):
    salt = SALT if event.patient else None

    assert unseal(seal(event, KEYS, salt), KEYS, salt) == event


def test_a_record_shows_the_plain_members_and_nothing_else():
    sealed = seal(READ, KEYS, SALT)

    members = orjson.loads(sealed)
    assert list(members) == ["a", "c", "d", "g", "h", "i", "k", "o", "p", "t", "u", "v"]
    assert {name: members[name] for name in "aikotv"} == {
        "a": "R",
        "i": "read",
        "k": 1,
        "o": "0",
        "t": 1_795_341_600_000_001,
        "v": 1,
    }
    for secret in ("4711", "Practitioner", "山田", "portal", "1310000001", "192.0.2.7", "Observation"):
        assert secret.encode() not in sealed


def test_a_record_is_canonical_json():
    sealed = seal(READ, KEYS, SALT)

    assert sealed == orjson.dumps(orjson.loads(sealed), option=orjson.OPT_SORT_KEYS)
    assert b"\n" not in sealed


def test_two_records_of_one_event_differ_only_in_their_details():
    first, second = orjson.loads(seal(READ, KEYS, SALT)), orjson.loads(seal(READ, KEYS, SALT))

    assert first.pop("d") != second.pop("d")
    assert first == second


def test_identifiers_of_one_kind_are_linked_within_a_year_only():
    same_year = Event(recorded=READ.recorded + 1, action="R", interaction="vread", user=READ.user)
    next_year = same_year._replace(recorded=READ.recorded + 365 * 86_400_000_000)

    first = record.parse(seal(READ, KEYS, SALT))["u"]
    second, third = (record.parse(seal(one, KEYS))["u"] for one in (same_year, next_year))

    assert first == second
    assert first != third


def test_an_erased_salt_erases_the_details_and_leaves_the_leaf():
    sealed = seal(READ, KEYS, SALT)
    leaf = leaf_hash(sealed)

    event = unseal(sealed, KEYS, None)

    members = record.parse(sealed)
    assert event == Event(
        recorded=READ.recorded,
        action="R",
        interaction="read",
        patient="hmac:" + members["p"],
        user="hmac:" + members["u"],
        client="hmac:" + members["c"],
        organisation="hmac:" + members["g"],
        custodian="hmac:" + members["h"],
        erased=True,
    )
    assert leaf_hash(sealed) == leaf


def test_a_record_without_a_patient_opens_with_the_hubs_key():
    assert unseal(seal(START, KEYS), KEYS) == START


@pytest.mark.parametrize(("event", "salt"), [(READ, None), (START, SALT)], ids=["no salt", "no patient"])
def test_patient_and_salt_come_together(event, salt):
    with pytest.raises(ValueError, match="salt"):
        seal(event, KEYS, salt)


@pytest.mark.parametrize(
    ("keys", "salt"),
    [(KEYS, b"t" * 32), (Keys({1: bytes(32)}), SALT)],
    ids=["another salt", "another master key"],
)
def test_details_do_not_open_with_another_key(keys, salt):
    with pytest.raises(Unreadable):
        unseal(seal(READ, KEYS, SALT), keys, salt)


def test_a_record_of_a_rotated_key_opens_with_the_ring():
    sealed = seal(READ, KEYS, SALT)
    ring = Keys({1: bytes(range(32)), 2: bytes(32)})

    assert unseal(sealed, ring, SALT) == READ
    assert record.parse(seal(READ, ring, SALT))["k"] == 2
    with pytest.raises(UnknownKey):
        unseal(sealed, Keys({2: bytes(32)}), SALT)


@pytest.mark.parametrize("member", ["a", "i", "o", "t", "p", "u", "c", "g", "h"])
def test_the_plain_members_cannot_be_changed_under_the_details(member):
    members = record.parse(seal(READ, KEYS, SALT))
    members[member] = members[member] + 1 if member == "t" else "X"

    with pytest.raises(Unreadable):
        unseal(orjson.dumps(members, option=orjson.OPT_SORT_KEYS), KEYS, SALT)


@settings(deadline=None)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data):
    sealed = seal(READ, KEYS, SALT)
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + bytes([sealed[at] ^ data.draw(st.integers(1, 255))]) + sealed[at + 1 :]

    with pytest.raises((record.RecordError, UnknownKey)):
        unseal(changed, KEYS, SALT)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.recursive(st.integers() | st.text(max_size=3), st.lists).map(repr).map(str.encode))
def test_no_bytes_break_the_reader(garbage):
    with pytest.raises(record.RecordError):
        unseal(garbage, KEYS, SALT)


def canonical(**changes):
    members = record.parse(seal(READ, KEYS, SALT)) | changes
    return orjson.dumps({k: v for k, v in members.items() if v is not None}, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b"{}",
        b'{"v":"1"}',
        b" " + canonical(),
        canonical(a=None),
        canonical(z="unknown"),
        canonical(t="now"),
        canonical(t=-1),
        canonical(t=253_402_300_800_000_000),
        canonical(d="not base64"),
        canonical(d="AAAA"),
    ],
    ids=[
        *("empty", "list", "no members", "version no number", "not canonical", "member missing"),
        *("unknown member", "wrong type", "before 1970", "after 9999", "no base64", "details cut off"),
    ],
)
def test_what_is_no_record_is_refused(bad):
    with pytest.raises(MalformedRecord):
        unseal(bad, KEYS, SALT)


def test_a_record_of_a_later_release_is_named_so():
    with pytest.raises(UnknownVersion, match="version 2"):
        unseal(canonical(v=2), KEYS, SALT)


def test_index_keys_are_the_first_64_bits_of_the_hmacs():
    keys = record.index_keys(READ, KEYS)

    members = record.parse(seal(READ, KEYS, SALT))
    for number, member in zip(keys, "pugc", strict=True):
        assert number == first_64_bits(members[member])
    assert record.index_keys(START, KEYS) == (None, None, None, None)


def first_64_bits(text):
    return int.from_bytes(urlsafe_b64decode(text + "=")[:8], "big", signed=True)


def test_search_keys_cover_every_year_and_master_key():
    ring = Keys({1: bytes(range(32)), 2: bytes(32)})
    old = record.index_keys(READ, KEYS).user
    new = record.index_keys(READ, ring).user

    found = record.search_keys("user", "Practitioner/7", ring, range(2025, 2028))

    assert len(set(found)) == 6
    assert {old, new} <= set(found)


@pytest.mark.parametrize(
    ("recorded", "year"),
    [(1_798_761_599_999_999, 2026), (1_798_761_600_000_000, 2027)],
    ids=["the last microsecond", "the first"],
)
def test_years_are_those_of_utc(recorded, year):
    assert record.year_of(recorded) == year
