import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.errors import InvalidValue
from fhir.search.values import MissingValue, escape, missing, split, split_prefix, unescape


@pytest.mark.parametrize(
    ("text", "separator", "parts"),
    [
        ("a", ",", ["a"]),
        ("a,b", ",", ["a", "b"]),
        (r"a\,b,c", ",", [r"a\,b", "c"]),
        (r"a\\,b", ",", [r"a\\", "b"]),
        (r"http://x|a\|b", "|", ["http://x", r"a\|b"]),
        ("a,,b,", ",", ["a", "", "b", ""]),
        ("a$b", "$", ["a", "b"]),
        ("a,b\\", ",", ["a", "b\\"]),
    ],
)
def test_a_value_is_split_where_the_separator_is_not_escaped(text, separator, parts):
    assert split(text, separator) == parts


@pytest.mark.parametrize(
    ("text", "meant"),
    [(r"a\,b\|c\$d\\e", r"a,b|c$d\e"), (r"a\nb", r"a\nb"), ("a\\", "a\\"), ("山田", "山田")],
)
def test_a_backslash_escapes_only_what_separates(text, meant):
    assert unescape(text) == meant


@given(st.lists(st.text(alphabet="ab,|$\\山", max_size=8), min_size=1, max_size=4))
def test_escaped_values_survive_being_joined_and_split(values):
    joined = ",".join(escape(value) for value in values)

    assert [unescape(part) for part in split(joined, ",")] == values


@pytest.mark.parametrize(
    ("text", "prefix", "rest"),
    [
        ("2024", "eq", "2024"),
        ("eq2024", "eq", "2024"),
        ("ne5", "ne", "5"),
        ("gt5", "gt", "5"),
        ("lt5", "lt", "5"),
        ("ge5", "ge", "5"),
        ("le5", "le", "5"),
        ("sa5", "sa", "5"),
        ("eb5", "eb", "5"),
        ("ap5", "ap", "5"),
        ("xx5", "eq", "xx5"),
        ("", "eq", ""),
    ],
)
def test_a_prefix_is_taken_off(text, prefix, rest):
    assert split_prefix(text) == (prefix, rest)


def test_missing_is_true_or_false():
    assert missing("true") == MissingValue(missing=True)
    assert missing("false") == MissingValue(missing=False)
    with pytest.raises(InvalidValue, match="'TRUE'"):
        missing("TRUE")
