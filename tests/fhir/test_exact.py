import pytest

from fhir.exact import read, same, write


def test_what_is_read_is_written_as_it_was():
    body = b'{"b":6.30,"a":[1e2,-0.0010,7,true,null],"c":"6.30"}'

    assert write(read(body)) == body


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', True),
        (b"[6.30]", b"[6.3]", False),
        (b"[100]", b"[1e2]", False),
    ],
    ids=["members in another order", "more digits", "another way to write it"],
)
def test_two_trees_are_the_same_when_they_are_written_alike(one: bytes, other: bytes, alike: bool):
    assert same(read(one), read(other)) is alike
