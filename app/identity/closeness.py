"""How close two texts are: typing errors in names and dates.

Damerau (1964): one wrong, missing or further character, or two neighbours exchanged, is most of all typing errors.
"""

_ERAS = frozenset({44, 14, 63, 30})
"""Years between the same year of an era and of the next: Meiji, Taishō, Shōwa, Heisei, Reiwa."""

MOST_CHARACTERS = 60
"""Longer texts are never close: they cost too much to compare."""


def one_error(one: str, other: str) -> bool:
    """Return whether the texts differ by one typing error; not when they are the same."""
    if one == other or abs(len(one) - len(other)) > 1 or max(len(one), len(other)) > MOST_CHARACTERS:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:] and len(b) > 1)


def close_dates(one: str, other: str) -> bool:
    """Return whether two dates `YYYY-MM-DD` differ as typing errors do.

    One wrong digit, two neighbours exchanged, day and month exchanged, day or month alone, or the year of another era.
    """
    if one == other:
        return False
    (year, month, day), (year2, month2, day2) = one.split("-"), other.split("-")
    if (month, day) == (day2, month2) and year == year2:
        return True
    if year == year2:
        return month == month2 or day == day2 or one_error(month + day, month2 + day2)
    if (month, day) == (month2, day2):
        return abs(int(year) - int(year2)) in _ERAS or one_error(year, year2)
    return one_error(one.replace("-", ""), other.replace("-", ""))
