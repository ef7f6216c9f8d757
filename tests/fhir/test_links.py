import pytest

from fhir.links import references, rewrite


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
