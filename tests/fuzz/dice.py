"""Choices of one request, all from one seed, and the odd values that they are made among."""

import random
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")

TEXTS = (
    *(
        "",
        " ",
        "a",
        "山田",
        "ﾔﾏﾀﾞ",
        "が",
        "e\u0301",
        "İ",
        "ß",
        "ﬃ",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\U0001f600",
        "\ufffd",
    ),
    *("\x01", "\x7f", "\x85", "\u2028", "\\", "\\,", "\\$", "\\|", "a\\", "'", '"', "';--", "%", "_", "%25", "*", "?"),
    *("$", "|", "||", ",", ",,", "a|b|c", "|a", "a|", "a,b", "a$b", "a$b$c", "null", "NaN", "Infinity", "true", "-0"),
    *("{", "}", "[", "]", "(", ")", "<a>", "&amp;", "&#0;", "../..", "http://", "urn:uuid:", "urn:oid:1.2.3", "#a"),
    *("x" * 300, "山" * 200, "a," * 300, "\u0300" * 50),
)
NUMBERS = (
    *("0", "-0", "0.0", "1", "-1", "6.30", "1e1", "1E-5", "1e308", "1e309", "-1e400", "1e-400", "9" * 30, "9" * 400),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "2147483648", "1.", ".5", "+1", "0x10"),
    *("1_000", "１２", "٣", "1,5", "1e", "--1", "1e99999999999", "0." + "0" * 300 + "1"),
)
DATES = (
    *("2024", "2024-02", "2024-02-29", "2023-02-29", "2024-13", "2024-00-01", "0001", "0000", "9999", "9999-12-31"),
    *("9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000", "-0001"),
    *("2024-05-01T10:00", "2024-05-01T10:00:00+09:00", "2024-05-01T24:00:00Z", "2024-06-30T23:59:60Z", "2024-05-01T10"),
    *("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00+99:99", "2024-05-01 10:00", "2024-5-1", "２０２４", "now"),
)
PREFIXES = ("", "", "", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "zz", "EQ")
MODIFIERS = (
    *("exact", "contains", "missing", "not", "text", "in", "not-in", "above", "below", "of-type", "identifier"),
    *("Patient", "Observation", "iterate", "Pet", "", "type", "missing:exact", "[type]", "code-text"),
)


TAME = (
    "a",
    "山田",
    "ﾔﾏﾀﾞ",
    "Meise",
    "final",
    "4548-4",
    "Meise text",
    "true",
    "糖尿",
    "e\u0301",
    "𠮷",
    "O'Neil",
    "50%",
    "a_b",
)
TAME_NUMBERS = ("0", "1", "-1", "6.30", "6.3", "1e1", "1E-5", "9" * 18, "1e300", "-1e-300", "0.1")
TAME_DATES = (
    *("2024", "2024-02", "2024-02-29", "0001", "9999", "9999-12-31", "0001-01-01", "2024-05-01T10:00:00+09:00"),
    *("9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-05-01T10:00Z"),
)
TAME_MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("not", "text", "missing", "of-type", "above", "in"),
    "reference": ("identifier", "missing", "Patient", "Organization", "above"),
    "uri": ("above", "below", "missing"),
}
"""Those that R4 has for each type of parameter."""


class Dice(random.Random):
    """A seeded generator that chooses.

    Six of ten requests are tame: they are made of what the standard allows, so that they come through to the database.
    The others are wild.
    """

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self.tame = self.random() < 0.6

    def one(self, *choices: T) -> T:
        return self.choice(choices)

    def maybe(self, probability: float) -> bool:
        return self.random() < probability

    def weighted(self, choices: Sequence[tuple[int, T]]) -> T:
        weights = [weight for weight, _ in choices]
        return self.choices([one for _, one in choices], weights)[0]

    def text(self) -> str:
        """Return an odd text, or two of them."""
        if self.tame:
            return self.choice(TAME)
        return self.choice(TEXTS) + (self.choice(TEXTS) if self.maybe(0.3) else "")

    def number(self) -> str:
        return self.choice(TAME_NUMBERS if self.tame else NUMBERS)

    def date(self) -> str:
        return self.choice(TAME_DATES if self.tame else DATES)

    def prefix(self) -> str:
        return self.choice(PREFIXES[:-2] if self.tame else PREFIXES)

    def modifier(self, kind: str) -> str:
        """Return a modifier for a parameter of a kind."""
        return self.choice(TAME_MODIFIERS.get(kind, ("missing",)) if self.tame else MODIFIERS)

    def scalar(self) -> Any:
        """Return a JSON value of any kind that is no container."""
        kind = self.randrange(7)
        if kind < 3:
            return self.one(self.text, self.date, self.number)()
        return (None, True, 0, -1.5, 10**30, 1e300, "")[self.randrange(7)]

    def escaped(self, text: str) -> str:
        """Return a text as a query or path may hold it: mostly well escaped, sometimes not."""
        way = 0 if self.tame else self.randrange(20)
        if way < 15:
            return quote(text, safe="")
        if way < 17:
            return quote(text, safe="|,$:/()=?\\'\"")
        if way == 17:
            return quote(quote(text, safe=""), safe="")
        return quote(text, safe="") + self.one("%", "%zz", "%ff", "%00", "%c0%80", "%ed%a0%80", "+", "%2", "%F0%9F")
