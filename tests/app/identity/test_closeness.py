"""Typing errors: one of them is close, two are not."""

import pytest

from app.identity.closeness import close_dates, one_error


@pytest.mark.parametrize(
    ("one", "other"),
    [("abcd", "abxd"), ("abcd", "abd"), ("abd", "abcd"), ("abcd", "acbd"), ("abcd", "abcde"), ("a", "")],
)
def test_one_error(one: str, other: str) -> None:
    assert one_error(one, other)
    assert one_error(other, one)


@pytest.mark.parametrize(("one", "other"), [("abcd", "abcd"), ("abcd", "badc"), ("abcd", "ab"), ("abcd", "xbxd")])
def test_none_or_more(one: str, other: str) -> None:
    assert not one_error(one, other)


def test_long_texts_are_not_compared() -> None:
    assert not one_error("a" * 5_000, "a" * 4_999)


@pytest.mark.parametrize(
    "other",
    ["1951-03-09", "1951-03-28", "1951-04-08", "1951-08-03", "1952-03-08", "1961-03-08", "1937-03-08", "2014-03-08"],
)
def test_dates_that_a_typing_error_or_an_era_makes(other: str) -> None:
    assert close_dates("1951-03-08", other)
    assert close_dates(other, "1951-03-08")


@pytest.mark.parametrize("other", ["1951-03-08", "1980-03-08", "1951-11-21", "1952-04-08", "1970-01-01"])
def test_dates_of_others(other: str) -> None:
    assert not close_dates("1951-03-08", other)
