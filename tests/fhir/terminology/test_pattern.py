"""Regular expressions of value sets: what Python's own engine says, without its worst case."""

import re
import time

import pytest

from fhir.errors import InvalidValue
from fhir.terminology.pattern import MOST_STATES, Pattern

TEXTS = ["", "a", "ab", "abb", "b", "aab", "A01", "A01.9", "C50", "x-1", "]", "-", "糖尿病", "a\n", "aaaa", "$", "1.2"]


@pytest.mark.parametrize(
    "expression",
    [
        *("a", "a*", "a+b?", "ab{2}", "a{0,2}b", "a{2,}", "(a|b)+", "(?:ab)*", "[A-C][0-9]{2}(\\.[0-9])?", "[^a]+"),
        *(
            "\\w+",
            "\\d",
            "x\\-\\d",
            "[]]",
            "[a-]",
            ".",
            ".*",
            "糖.*",
            "",
            "a|",
            "(a|)b",
            "[\\d.]+",
            "\\$",
            "a{2}?",
            "a{0}b",
        ),
        *("(a*)*", "((a|b)*b){1,2}", "^ab$", "^a|^b$|x", "(a+)+b", "a\\n", "[\\s\\S]*"),
    ],
)
def test_it_matches_what_the_common_engine_matches_as_a_whole(expression: str) -> None:
    pattern, common = Pattern(expression), re.compile(expression, re.DOTALL)

    for text in TEXTS:
        assert pattern.matches(text) is (common.fullmatch(text) is not None), (expression, text)


def test_what_exhausts_a_backtracking_engine_takes_no_time() -> None:
    began = time.process_time()

    assert Pattern("(a+)+$").matches("a" * 5_000 + "b") is False
    assert Pattern("(.*)*(.*)*(.*)*x").matches("a" * 5_000) is False

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "expression",
    [
        *("(", ")", "a)", "[", "[]", "*a", "a**", "a{", "a{x}", "a{3,1}", "a{9999}", "(?=a)", "(?<n>a)", "\\1", "\\b"),
        *("a\\", "a" * 501, "(" * 30 + ")" * 30, "((a{100}){100}){100}", "[[:alpha:]]", "a^b", "{1}"),
    ],
    ids=range(22),
)
def test_what_is_no_expression_or_not_read_is_refused(expression: str) -> None:
    with pytest.raises(InvalidValue):
        Pattern(expression)


def test_the_automaton_is_bounded() -> None:
    with pytest.raises(InvalidValue, match="too large"):
        Pattern("(a{200}){200}")
    assert MOST_STATES < 10_000
