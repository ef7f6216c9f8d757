"""Whatever a patch says, what comes out is a body or a failure with a status below 500; and a body is JSON again."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir.errors import FhirError
from fhir.patch import fhirpath_patch, json_patch, xml_patch
from fhir.resource import parse

BODY = json.dumps(
    {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        "contained": [
            {"resourceType": "Patient", "id": "p", "name": [{"given": ["a", None], "_given": [None, {"id": "g"}]}]}
        ],
        "code": {"coding": [{"code": "a"}, {"code": "b"}]},
        "valueQuantity": {"value": 1.50, "_value": {"id": "v"}},
        "_effectiveDateTime": {"extension": [{"url": "urn:a", "valueCode": "x"}]},
        "component": [{"code": {"text": "c"}, "valueString": "d"}, {"code": {"text": "e"}}],
    }
).encode()  # fmt: skip

STEPS = (
    *("contained", "name", "given", "code", "coding", "value", "valueQuantity", "effective", "component", "text"),
    *("extension", "id", "status", "referenceRange", "low", "note", "subject", "resourceType", "[0]", "[1]", "first()"),
    *("last()", "where(code.exists())", "where(id = 'p')", "ofType(Quantity)", "extension('urn:a')"),
    *("where($this = 'a')", "div", "exists()", "where(value > 1)", "where(status.empty())", "as(Patient)"),
)  # fmt: skip
PATHS = st.lists(st.sampled_from(STEPS), max_size=5).map(
    lambda steps: ".".join(["Observation", *steps]).replace(".[", "[")
)
VALUES: Any = st.sampled_from(
    [
        *({"valueString": "x"}, {"valueCode": "final"}, {"valueQuantity": {"value": 2}}, {"_valueString": {"id": "s"}}),
        *({"valueHumanName": {"text": "x"}}, {"valueDateTime": "2024"}, {"valueCodeableConcept": {"text": "x"}}),
        {"part": [{"name": "code", "valueCodeableConcept": {"text": "x"}}, {"name": "value", "valueInteger": 1}]},
        {"part": [{"name": "url", "valueUri": "urn:b"}, {"name": "value", "valueInteger": 1}]},
        {"part": [{"name": "low", "valueQuantity": {"value": 1}}]},
        {"resource": {"resourceType": "Patient", "id": "q"}},
    ]
)
NAMES = st.sampled_from([step for step in STEPS if step.isalpha()])
NUMBERS = st.integers(min_value=-1, max_value=3)


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["add", "insert", "delete", "replace", "move"]))
    part = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": draw(PATHS)}]
    if kind == "add":
        part.append({"name": "name", "valueString": draw(NAMES)})
    if kind in {"add", "insert", "replace"}:
        part.append({"name": "value", **draw(VALUES)})
    numbers = {"insert": ["index"], "move": ["source", "destination"]}.get(kind, [])
    part += [{"name": name, "valueInteger": draw(NUMBERS)} for name in numbers]
    return {"name": "operation", "part": part}


def outcome(reader: Any, document: bytes, body: bytes) -> bytes | None:
    """Return what a patch makes of a body, or None when it is refused as a failure with a status."""
    failures: list[FhirError] = []
    try:
        made: bytes = reader(document)(body)
    except FhirError as refused:
        failures.append(refused)
    assert all(400 <= refused.status < 500 and refused.diagnostics for refused in failures)
    return None if failures else made


@given(st.lists(operations(), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_fhirpath_patch(made: list[dict[str, Any]]) -> None:
    document = json.dumps({"resourceType": "Parameters", "parameter": made}).encode()

    if (body := outcome(fhirpath_patch.read, document, BODY)) is not None:
        assert parse(body)["resourceType"] == "Observation"


POINTERS = st.lists(
    st.sampled_from(["code", "coding", "0", "1", "-", "contained", "name", "~0", "~1", "~", "", "01", "valueQuantity"]),
    max_size=4,
).map(lambda steps: "".join(f"/{step}" for step in steps))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
STEPS_OF_JSON = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | JSON, "path": POINTERS | JSON},
    optional={"value": JSON, "from": POINTERS | JSON, "other": JSON},
)


@given(st.lists(STEPS_OF_JSON, max_size=4) | JSON)
@settings(max_examples=200, deadline=None)
def test_json_patch(made: Any) -> None:
    body = outcome(json_patch.read, json.dumps(made, ensure_ascii=False).encode(errors="replace"), BODY)

    if body is not None:
        json.loads(body)


SELECTORS = st.lists(
    st.sampled_from(["f:a", "f:b", "*", "*[1]", "f:a[@x='1']", "@x", "text()", "comment()", "h:a", "f:a[f:b]", ".."]),
    max_size=4,
).map(lambda steps: "/".join(["f:a", *steps]))  # fmt: skip
CONTENTS = st.sampled_from(["", "x", "<a/>", "<b x='1'>y</b>z", "<!-- c -->", "<?p q?>", "<a/><b/>"])
ATTRIBUTES = st.sampled_from(
    ["", "pos='before'", "pos='after'", "pos='prepend'", "ws='both'", "type='@x'", "type='@p:x'", "type='namespace::q'"]
)
NAMESPACE = 'xmlns="http://hl7.org/fhir"'
XML = f"<a {NAMESPACE} x='1'> <b>t<a/>u</b> <a x='1'/><!-- d --><?r s?></a>".encode()


@given(st.lists(st.tuples(st.sampled_from(["add", "replace", "remove"]), SELECTORS, ATTRIBUTES, CONTENTS), max_size=4))
@settings(max_examples=200, deadline=None)
def test_xml_patch(made: list[tuple[str, str, str, str]]) -> None:
    steps = "".join(f'<{kind} sel="{sel}" {more}>{content}</{kind}>' for kind, sel, more, content in made)

    body = outcome(xml_patch.read, f"<diff {NAMESPACE}>{steps}</diff>".encode(), XML)

    assert body is None or body.startswith(b"<")
