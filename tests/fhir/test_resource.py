from decimal import Decimal

import pytest

from fhir.errors import FhirError
from fhir.resource import InvalidJson, parse, parse_exact


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def test_parse_gives_the_tree():
    tree = parse(b' {"resourceType" : "Patient", "multipleBirthInteger":2, "name":[{"family":"\\u5c71"}]}\n')

    assert tree == {"resourceType": "Patient", "multipleBirthInteger": 2, "name": [{"family": "山"}]}


def test_parse_exact_keeps_the_digits_of_decimals():
    tree = parse_exact(b'{"a":6.30,"b":[1e2,7,-0.0010],"c":"6.30"}')

    assert tree == {"a": Decimal("6.30"), "b": [Decimal("1e2"), 7, Decimal("-0.0010")], "c": "6.30"}
    assert str(tree["a"]) == "6.30"


@pytest.mark.parametrize(
    ("body", "diagnostics", "expression"),
    [
        (b"", "This is not JSON: Input is a zero-length, empty document (line 1 column 1).", None),
        (b"\xef\xbb\xbf{}", "This is not JSON: UTF-8 byte order mark (BOM) is not supported", None),
        (b'{"a":1,\n "b":"\xe5\xb1\xb1\xff"}', "The body is not UTF-8 (line 2 column 8).", None),
        (b'{"a":"\xed\xa0\x80"}', "The body is not UTF-8 (line 1 column 7).", None),
        (b'{"a":"\\ud800"}', "This is not JSON: no low surrogate in string (line 1 column 7).", None),
        (b'{"a":"\\udc00"}', "This is not JSON: invalid high surrogate in string (line 1 column 7).", None),
        (b'{"a":NaN}', "(line 1 column 6).", None),
        (b'{"a":-Infinity}', "This is not JSON", None),
        (b'{"a":1} {}', "This is not JSON: unexpected content after document (line 1 column 9).", None),
        (b'{"a":"\x00"}', "This is not JSON: unexpected control character in string", None),
        (b'{"a":\n"\\u0000"}', "A string holds the character NUL, escaped (line 2 column 2).", None),
        (b'{"a":"\\\\\\u0000"}', "A string holds the character NUL, escaped (line 1 column 7).", None),
        (b"[{}]", "A resource is one JSON object; this is another kind of value.", None),
        (b'"a"', "A resource is one JSON object; this is another kind of value.", None),
        (b'{"a":1,\n"a":1}', "The key 'a' stands twice in one object (line 2 column 1).", "$"),
        (
            b'{"resourceType":"Patient","name":[{"family":"x"},{"given":["a","b"],"text":"","given" : []}]}',
            "The key 'given' stands twice in one object (line 1 column 79).",
            "Patient.name[1]",
        ),
        (b'{"resourceType":"Patient","a":{"b":1},"\\u0061":2}', "The key 'a' stands twice", "Patient"),
    ],
)
def test_parse_refuses_and_says_where(body, diagnostics, expression):
    with pytest.raises(InvalidJson) as refused:
        parse(body)

    assert diagnostics in refused.value.diagnostics
    assert refused.value.expression == expression
    assert (refused.value.status, refused.value.code) == (400, "structure")
    assert isinstance(refused.value, FhirError)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"x\\":","b":":\\"a\\":"}',
        b'{"a":":","b":["a",":"],"c" :{"a":1,"b":2}}',
        b'{"a":[{"a":1},{"a":1}],"b":"\\\\u0000 is five characters behind a backslash"}',
    ],
    ids=["colons behind quotes", "colons as strings", "a backslash, then u0000"],
)
def test_parse_takes_what_only_looks_wrong(body):
    assert set(parse(body)) >= {"a", "b"}


def test_parse_counts_levels_from_the_outer_object():
    assert parse(nested(64)) is not None
    assert parse(nested(3), depth=3) == {"a": {"a": {}}}

    with pytest.raises(InvalidJson, match="nested deeper than 64 levels"):
        parse(nested(65))
    with pytest.raises(InvalidJson, match="nested deeper than 2 levels"):
        parse(b'{"a":[[1]]}', depth=2)


@pytest.mark.parametrize("body", [nested(10_000), b'{"a":' + b"[" * 1_000_000, b"[" * 10_000 + b"]" * 10_000])
def test_parse_survives_thousands_of_levels(body):
    with pytest.raises(InvalidJson, match="nested deeper than 64 levels"):
        parse(body)
