"""JSON Patch on resources: exact numbers, all or nothing, failures that name their operation."""

import json
from typing import Any

import pytest

from fhir.errors import FhirError, Unprocessable
from fhir.patch.exact import MalformedPatch, TooCostly
from fhir.patch.json_patch import apply, operations, read
from fhir.resource import InvalidJson, parse_exact

DOSE = b'{"resourceType":"Observation","id":"1","valueQuantity":{"value":6.30,"unit":"mg"},"note":[{"text":"a"}]}'


def op(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({"from": more.pop("from_")} if "from_" in more else {}), **more}


def test_numbers_and_members_that_are_not_touched_stay_as_they_are() -> None:
    body = b'{"a":1.50e2,"z":-0.0,"b":123456789012345678901234567890,"c":1E-7,"d":{"y":2.10,"x":"\xe7\xb3\x96"}}'

    patched = read(b'[{"op":"add","path":"/d/w","value":3.00},{"op":"move","from":"/c","path":"/e"}]')(body)

    assert patched == (
        b'{"a":1.50e2,"z":-0.0,"b":123456789012345678901234567890,"d":{"y":2.10,"x":"\xe7\xb3\x96","w":3.00},"e":1E-7}'
    )


@pytest.mark.parametrize(("value", "same"), [("6.3", True), ("6.30", True), ("63e-1", True), ("6.31", False)])
def test_numbers_are_tested_by_value(value: str, same: bool) -> None:
    patch = read(f'[{{"op":"test","path":"/valueQuantity/value","value":{value}}}]'.encode())

    if same:
        assert patch(DOSE) == DOSE
    else:
        with pytest.raises(Unprocessable, match="Operation 0"):
            patch(DOSE)


def test_true_is_not_one() -> None:
    with pytest.raises(Unprocessable):
        apply({"a": 1}, [op("test", "/a", value=True)])


def test_a_failure_leaves_the_tree_as_it_was() -> None:
    tree = parse_exact(DOSE)

    with pytest.raises(Unprocessable):
        apply(tree, [op("remove", "/note"), op("replace", "/valueQuantity/unit", value="g"), op("remove", "/x")])

    assert tree == parse_exact(DOSE)


@pytest.mark.parametrize(
    ("operation", "expression"),
    [
        (op("remove", "/note/3"), "Observation.note[3]"),
        (op("add", "/note/7", value={}), "Observation.note[7]"),
        (op("test", "/note/0/text", value="b"), "Observation.note[0].text"),
        (op("replace", "/note/-", value={}), "Observation.note"),
        (op("move", "/valueQuantity/value/x", from_="/valueQuantity"), "Observation.valueQuantity.value.x"),
        (op("copy", "/note/0", from_="/nothing"), "Observation.note[0]"),
        (op("copy", "/note/0", from_="/note/-"), "Observation.note[0]"),
        (op("add", "/valueQuantity/unit/x", value=1), "Observation.valueQuantity.unit.x"),
        (op("remove", "/a~1b"), None),
        (op("remove", ""), "Observation"),
    ],
)
def test_a_failure_names_its_operation_and_place(operation: dict[str, Any], expression: str | None) -> None:
    fitting = op("add", "/language", value="ja")

    with pytest.raises(Unprocessable) as refused:
        apply(json.loads(DOSE), [fitting, operation])

    assert refused.value.diagnostics.startswith(f"Operation 1 ({operation['op']} {operation['path']}): ")
    assert refused.value.expression == expression
    assert "mg" not in refused.value.diagnostics


@pytest.mark.parametrize(
    "document",
    [
        *(b"", b"null", b"{}", b"[1]", b"[[]]", b'[{"op":"add"}]', b'[{"op":["add"],"path":""}]', b"[]]"),
        *(b'[{"op":"remove","path":1}]', b'[{"op":"move","path":"/a"}]', b'[{"op":"copy","path":"/a","from":"a"}]'),
        *(b'[{"op":"remove","path":"/~2"}]', b'[],"patch":[]', b'[],"other":1', b'[{"op":"remove","path":"/\xff"}]'),
        *(b'[{"op":"add","path":"/a","value":NaN}]', b'[{"op":"add","path":"/a","value":"\\u0000"}]', b"[" * 200),
    ],
)
def test_what_is_no_patch_is_malformed(document: bytes) -> None:
    with pytest.raises(FhirError) as refused:
        operations(document)

    assert isinstance(refused.value, MalformedPatch | InvalidJson)
    assert refused.value.status == 400


def test_copies_cannot_be_made_to_fill_the_memory() -> None:
    doubling = [op("copy", f"/c{number}", from_="") for number in range(60)]

    with pytest.raises(TooCostly, match="Operation"):
        apply({"a": "x" * 100}, doubling)


def test_a_patch_cannot_nest_without_end() -> None:
    # Each object is put around the others: a path to the innermost would cost as many steps as it is deep.
    around = [op("add", "/c", value={}), op("move", "/c/b", from_="/a"), op("move", "/a", from_="/c")]
    nesting = [op("add", "/a", value={}), *around * 3_000]

    with pytest.raises(TooCostly, match="deep"):
        read(json.dumps(nesting).encode())(DOSE)
    with pytest.raises(TooCostly, match="deep"):
        apply({}, [*nesting, op("copy", "/c", from_="/a")])


def test_a_patch_has_so_many_operations_at_most() -> None:
    with pytest.raises(TooCostly):
        operations(json.dumps([op("remove", "/a")] * 10_001).encode())
