"""The shape of answers: fields, filters, fragments, and the directives that flatten."""

from typing import Any

import pytest

from fhir.errors import FhirError
from fhir.exact import read as exact
from fhir.exact import write
from fhir.graphql.answer import Answering
from fhir.graphql.budget import Budget
from fhir.graphql.document import read
from fhir.graphql.needs import Place
from fhir.graphql.plan import plan

PATIENT = exact(
    b"""{"resourceType": "Patient", "id": "example", "active": true, "birthDate": "1974-12-25",
    "_birthDate": {"extension": [{"url": "http://e/t", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "identifier": [{"system": "urn:oid:1.2.36.146.595.217.0.1", "value": "12345"}],
    "name": [{"use": "official", "family": "Chalmers", "given": ["Peter", "James"]},
             {"use": "usual", "given": ["Jim"]},
             {"use": "maiden", "family": "Windsor", "given": ["Peter", "James"]}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Inside"}],
    "managingOrganization": {"reference": "#o"},
    "extension": [{"url": "http://e/x", "valueDecimal": 6.30}, {"url": "http://e/y", "valueString": "y"}]}"""
)


def answer(query: str, tree: dict[str, Any] = PATIENT, **variables: Any) -> Any:
    fields = plan(read(query, variables, None), tree["resourceType"])
    place = Place(tree, f"{tree['resourceType']}/{tree['id']}")
    return Answering({}, {}, "", Budget()).object(tree, tree["resourceType"], fields, place)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "{ resourceType __typename id active }",
            {"resourceType": "Patient", "__typename": "Patient", "id": "example"},
        ),
        ("{ birthDate _birthDate { extension { valueDateTime } } }", {"birthDate": "1974-12-25"}),
        ("{ name(use: official) { family } }", {"name": [{"family": "Chalmers"}]}),
        ('{ name(given: "Jim") { use } }', {"name": [{"use": "usual"}]}),
        ('{ name(fhirpath: "family.exists()") { use } }', {"name": [{"use": "official"}, {"use": "maiden"}]}),
        ("""{ name(fhirpath: "use = 'usual' or given.exists($this = 'x')") { use } }""", {"name": [{"use": "usual"}]}),
        ("{ name(_offset: 1, _count: 1) { use } }", {"name": [{"use": "usual"}]}),
        ("{ name(use: old) { use } }", {}),
        ('{ x: extension(url: "http://e/y") { value: valueString } }', {"x": [{"value": "y"}]}),
        ("{ name @first { use } }", {"name": {"use": "official"}}),
        ("{ ...F } fragment F on Patient { id ... on Patient { active } }", {"id": "example", "active": True}),
        ("{ ... on DomainResource { id } ... { active } }", {"id": "example", "active": True}),
        ("{ name(use: usual) { use } name(use: usual) { given } }", {"name": [{"use": "usual", "given": ["Jim"]}]}),
        ("query($u: code!) { name(use: $u) { given } }", {"name": [{"given": ["Jim"]}]}),
        ("query($no: Boolean = true) { id @skip(if: $no) active @include(if: $no) }", {"active": True}),
        ("{ managingOrganization { resource { ... on Organization { name } } } }", None),
        ("{ managingOrganization { resource(type: Organization) { name } resource(type: Patient) { active } } }", None),
        ("{ contained { ... on Organization { name } } }", {"contained": [{"name": "Inside"}]}),
    ],
)
def test_fields_arguments_and_fragments(query: str, expected: dict[str, Any] | None) -> None:
    found = answer(query, u="usual")

    if expected is None:
        expected = {"managingOrganization": {"resource": {"name": "Inside"}}}
    assert {key: found[key] for key in expected} == expected
    assert set(found) <= {*expected, "active", "_birthDate"}


def test_numbers_keep_their_digits() -> None:
    assert (
        write(answer('{ extension(url: "http://e/x") { valueDecimal } }')) == b'{"extension":[{"valueDecimal":6.30}]}'
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "{ identifier @flatten { system value } active name @flatten { text given family } }",
            {
                "system": ["urn:oid:1.2.36.146.595.217.0.1"],
                "value": ["12345"],
                "active": True,
                "given": ["Peter", "James", "Jim", "Peter", "James"],
                "family": ["Chalmers", "Windsor"],
            },
        ),
        (
            "{ name @flatten { text given @first family } }",
            {"given": ["Peter", "Jim", "Peter"], "family": ["Chalmers", "Windsor"]},
        ),
        (
            """{ identifier @flatten { system @singleton value @singleton } active
                 name @flatten @first { text given family @singleton } }""",
            {
                "system": "urn:oid:1.2.36.146.595.217.0.1",
                "value": "12345",
                "active": True,
                "given": ["Peter", "James"],
                "family": "Chalmers",
            },
        ),
        (
            '{ name @flatten @slice(path: "use") { given family @singleton } }',
            {
                "given.official": ["Peter", "James"],
                "family.official": "Chalmers",
                "given.usual": ["Jim"],
                "given.maiden": ["Peter", "James"],
                "family.maiden": "Windsor",
            },
        ),
        (
            '{ name @slice(path: "$index") @flatten { given @first @singleton family } }',
            {
                "given.0": "Peter",
                "family.0": ["Chalmers"],
                "given.1": "Jim",
                "given.2": "Peter",
                "family.2": ["Windsor"],
            },
        ),
        (
            '{ name @slice(path: "use") { family @singleton } }',
            {"name.official": [{"family": "Chalmers"}], "name.usual": [{}], "name.maiden": [{"family": "Windsor"}]},
        ),
    ],
    ids=["flatten", "first", "singleton", "slice by an element", "slice by number", "slice alone"],
)
def test_the_output_is_flattened_as_the_specification_shows(query: str, expected: dict[str, Any]) -> None:
    assert answer(query) == expected


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("{ name @flatten { family @singleton } }", "family"),
        ("{ name @flatten { use } identifier @flatten { use: value } }", "use"),
        ('{ name @slice(path: "period") { use } }', None),
    ],
    ids=["two values where one is said to be", "two elements under one name", "no value at all"],
)
def test_what_does_not_belong_together_is_refused(query: str, where: str | None) -> None:
    if where is None:
        assert answer(query) == {"name.": [{"use": "official"}, {"use": "usual"}, {"use": "maiden"}]}
        return
    with pytest.raises(FhirError) as refused:
        answer(query)

    assert (refused.value.status, refused.value.expression) == (422, where)


@pytest.mark.parametrize(
    ("query", "code", "expression"),
    [
        ("{ colour }", "invalid", "colour"),
        ("{ name }", "invalid", "name"),
        ("{ id { x } }", "invalid", "id"),
        ("{ name { colour } }", "invalid", "colour"),
        ("{ active(x: 1) }", "invalid", "active"),
        ("{ name(colour: red) { use } }", "invalid", "name"),
        ("{ name(_count: -1) { use } }", "invalid", "name"),
        ("{ name(use: {a: 1}) { use } }", "invalid", "query"),
        ("{ name(use: $x) { use } }", "invalid", "variables.x"),
        ('{ name(fhirpath: "trace(1)") { use } }', "structure", None),
        ('{ name(fhirpath: "colour.exists()") { use } }', "invalid", "name"),
        ("{ id @upper }", "invalid", "@upper"),
        ("{ id @skip(if: 1) }", "invalid", "@skip"),
        ("{ name @first @slice(path: use) { use } }", "invalid", "@slice"),
        ("{ ...F }", "invalid", "F"),
        ("{ ...F } fragment F on Patient { ...F }", "invalid", "F"),
        ("{ ... on Observation { id } }", "invalid", "Observation"),
        ("{ id id: active }", "invalid", "id"),
        ("{ __schema { types { name } } }", "not-supported", "__schema"),
        ("mutation { PatientDelete(id: 1) { id } }", "not-supported", "query"),
        ("subscription { id }", "not-supported", "query"),
        ("query A { id } query B { id }", "invalid", "operationName"),
        ("query($a: Int!) { id }", "invalid", "variables.a"),
        ('query($a: Int = "x") { id }', "invalid", "variables.a"),
        ("{ Patient(id: 1) { id } }", "invalid", "Patient"),
        ("{ ObservationList { id } }", "invalid", "ObservationList"),
        ("{ ObservationList(_reference: code) { id } }", "invalid", "ObservationList"),
        ("{ ObservationConnection(_reference: patient, _cursor: x) { count } }", "invalid", "ObservationConnection"),
        ("{", "invalid", "query"),
        ("type A { b: C }", "invalid", "query"),
        ("{" + "name {" * 3_000 + "}" * 3_000 + "}", "invalid", "query"),
        ("{ " + "extension { " * 30 + "url" + " }" * 30 + " }", "too-costly", "query"),
        ("{ " + " ".join(f"a{n}: id" for n in range(1_001)) + " }", "too-costly", "query"),
        ("{ " + "... { " * 60 + "id" + " }" * 60 + " }", "too-costly", "query"),
        (
            "{ ...A0 } "
            + " ".join(f"fragment A{n} on Patient {{ ...A{n + 1} }}" for n in range(400))
            + " fragment A400 on Patient { id }",
            "too-costly",
            "query",
        ),
        (
            "{ ...A0 } "
            + " ".join(f"fragment A{n} on Patient {{ ...A{n + 1} ...A{n + 1} }}" for n in range(40))
            + " fragment A40 on Patient { id }",
            "too-costly",
            "query",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(query: str, code: str, expression: str | None) -> None:
    with pytest.raises(FhirError) as refused:
        answer(query)

    assert (refused.value.code, refused.value.expression) == (code, expression)


def test_an_answer_is_bounded() -> None:
    large = {"resourceType": "Basic", "id": "1", "extension": [{"url": "u", "valueString": "x" * 100_000}] * 10}
    query = "{ " + " ".join(f"a{n}: extension {{ valueString }}" for n in range(100)) + " }"

    with pytest.raises(FhirError) as refused:
        answer(query, large)

    assert refused.value.code == "too-costly"


def test_what_conditions_look_at_is_bounded() -> None:
    deep = {"url": "u", "extension": [{"url": "v", "valueString": "x"}] * 1_000}
    large = {"resourceType": "Basic", "id": "1", "extension": [deep] * 5}
    query = (
        "{ "
        + " ".join(f"a{n}: extension(fhirpath: \"extension.exists(url = 'w')\") {{ url }}" for n in range(40))
        + " }"
    )

    with pytest.raises(FhirError) as refused:
        answer(query, large)

    assert refused.value.code == "too-costly"
