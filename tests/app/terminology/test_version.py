"""The version of a master from its files' names."""

import pytest

from app.terminology.version import named_version


@pytest.mark.parametrize(
    ("names", "version"),
    [
        (["MEDIS20260930.TXT"], "20260930"),
        (["MEDIS20260930.TXT", "MEDIS20261031_HOT9.TXT"], "20261031"),
        (["byomei517.zip", "byomei517.zip: main/nmain517.txt"], "5.17"),
        (["b_20260601.txt"], "20260601"),
        (["JLAC10コード表_202604.xlsx"], "202604"),
        (["JLAC10_20260401.xlsx", "x_202605.txt"], "20260401"),
        (["list.csv", "12345678901.txt", "20269999.txt"], ""),
        ([], ""),
    ],
    ids=["a day", "the newest", "an edition", "claims", "a month", "a day before a month", "none", "nothing"],
)
def test_names_say_a_version(names, version):
    assert named_version(names) == version
