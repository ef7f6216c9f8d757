from fhir.store.stored import Stored
from fhir.store.types import NUMBERS
from fhir.store.versions import LARGEST_BYTES, Versions


def a_version(row: int, body: bytes = b"{}", version: int = 1) -> Stored:
    return Stored(NUMBERS["Observation"], str(row), 7, row, version, 3, 0, 0, 1, body)


def test_versions_are_kept_by_what_was_asked_for() -> None:
    versions = Versions()

    versions.keep(1, [a_version(5), a_version(5, b'{"a":1}', version=2)])

    assert versions.of(1) == {(5, 1): a_version(5), (5, 2): a_version(5, b'{"a":1}', version=2)}
    assert versions.of(2) is None


def test_what_was_longest_not_asked_for_makes_room() -> None:
    versions = Versions(most_bytes=2_900)
    versions.keep(1, [a_version(1, b"x" * 500)])
    versions.keep(2, [a_version(2, b"x" * 500)])
    versions.of(1)

    versions.keep(3, [a_version(3, b"x" * 500)])

    assert [patient for patient in (1, 2, 3) if versions.of(patient)] == [1, 3]


def test_what_is_kept_twice_is_counted_once() -> None:
    versions = Versions(most_bytes=2_900)

    for _ in range(10):
        versions.keep(1, [a_version(1, b"x" * 500)])

    assert versions.of(1) == {(1, 1): a_version(1, b"x" * 500)}


def test_large_bodies_are_not_kept() -> None:
    versions = Versions()

    versions.keep(1, [a_version(1, b"x" * (LARGEST_BYTES + 1)), a_version(2)])

    assert versions.of(1) == {(2, 1): a_version(2)}
