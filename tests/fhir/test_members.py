import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.members import Member, items, members
from fhir.resource import InvalidJson


def test_members_gives_keys_and_where_their_values_stand():
    body = b' { "a" : [1, {"b":2}] ,\n"\\u0062":"x" } '

    assert list(members(body)) == [Member("a", 9, 21), Member("b", 33, 36)]
    assert (body[9:21], body[33:36]) == (b'[1, {"b":2}]', b'"x"')


@pytest.mark.parametrize("body", [b"{}", b" { } "])
def test_members_of_an_empty_object_are_none(body):
    assert list(members(body)) == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"a":1}',
        b'{"a":11,"b":2,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"a":1,"b":2,"a":{"x":0,          "b":2}}',
        b'{"":{},"":{}}',
    ],
)
def test_members_refuses_a_key_that_stands_twice(body):
    with pytest.raises(InvalidJson, match="stands twice"):
        list(members(body))


KEYS = st.sampled_from([b'"a"', b'"b"', b'"\\u0061"'])
VALUES = st.sampled_from([b"1", b"22", b'{"a":1,      "b":2}', b'",\\"b\\":2"', b'{"b":2}', b'[{"b" :2}]', b'""'])


@given(st.lists(st.tuples(KEYS, st.sampled_from([b":", b"    : "]), VALUES), max_size=5))
def test_members_finds_every_key_that_stands_twice(made):
    body = b"{" + b",".join(key + colon + value for key, colon, value in made) + b"}"
    names = [key.replace(b"\\u0061", b"a") for key, _, _ in made]

    if len(set(names)) == len(names):
        assert [body[m.start : m.end] for m in members(body)] == [value for _, _, value in made]
    else:
        with pytest.raises(InvalidJson, match="stands twice"):
            list(members(body))


def test_items_gives_each_item_in_its_own_bytes():
    assert list(items(b' [ {"a": 1} ,2.50, "x" ] ')) == [b'{"a": 1}', b"2.50", b'"x"']


def test_items_refuses_what_is_no_array():
    with pytest.raises(InvalidJson, match="Expected `array`"):
        list(items(b"{}"))
