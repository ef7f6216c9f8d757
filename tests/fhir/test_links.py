import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.links import references, rewrite
from fhir.undo import apply


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"subject":{"reference":"Patient/1"},"url":"u","x":[{"reference" : "#a"}]}', ["Patient/1", "#a"]),
        (b'{"url":"\\u0041","subject":{"\\u0072eference":"Patient\\/1"}}', ["Patient/1"]),
        (b'{"reference":{"reference":"Claim/1"},"a":["reference","Patient/2"]}', ["Claim/1"]),
        (b'{"display":"\\"reference\\":\\"Patient/1\\""}', []),
    ],
    ids=["plain", "escaped", "an element of this name that is an object", "in a text"],
)
def test_references_gives_every_reference_in_order(body, expected):
    assert list(references(body)) == expected


def test_rewrite_gives_edits_in_the_order_of_the_bytes():
    body = b'{"text":{"div":"<a href=\'urn:uuid:a\'>"},"subject":{"reference":"urn:uuid:a"}}'

    assert list(rewrite(body, {"urn:uuid:a": "Patient/1"})) == [
        (25, 35, b"Patient/1"),
        (64, 74, b"Patient/1"),
    ]


LINKS = ["urn:uuid:a", "Patient/1", "#a", "urn:uuid:b", "reference", "href='urn:uuid:a'", ""]
TREES = st.recursive(
    st.sampled_from([*LINKS, "<a href='urn:uuid:a'>", '<img src="urn:uuid:b">']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["reference", "url", "system", "valueUri", "div", "x"]), inner, max_size=4),
    ),
    max_leaves=8,
)


@given(tree=st.dictionaries(st.sampled_from(["a", "b", "reference", "div", "url"]), TREES))
def test_links_are_the_same_however_densely_a_body_is_written(tree):
    links = {"urn:uuid:a": "Patient/1", "urn:uuid:b": "Observation/2"}
    dense, airy = (json.dumps(tree, separators=between).encode() for between in ((",", ":"), (" , ", " : ")))

    assert list(references(dense)) == list(references(airy))
    assert json.loads(apply(dense, rewrite(dense, links))[0]) == json.loads(apply(airy, rewrite(airy, links))[0])
