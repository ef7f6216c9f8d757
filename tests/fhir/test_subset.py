"""What `_summary` and `_elements` leave of a resource."""

import json

import pytest

from fhir.errors import InvalidValue
from fhir.subset import SUBSETTED, Subset, chosen, is_subsetted, part

TAG = json.dumps(SUBSETTED, separators=(",", ":"))
META = f'"meta":{{"versionId":"1","tag":[{TAG}]}}'

REQUEST = {
    "resourceType": "MedicationRequest",
    "id": "m",
    "text": {"status": "generated", "div": "<div>-</div>"},
    "contained": [{"resourceType": "Medication", "id": "c"}],
    "extension": [{"url": "http://example.org/a", "valueString": "a"}],
    "status": "active",
    "intent": "order",
    "doNotPerform": True,
    "medicationCodeableConcept": {"text": "アスピリン"},
    "subject": {"reference": "Patient/p"},
    "note": [{"text": "朝"}],
}

IMPORTANT = ["resourceType", "id", "status", "intent", "doNotPerform", "medicationCodeableConcept", "subject"]
"""What is mandatory or changes the meaning, and here all that a summary holds."""


def left(resource, subset, **how):
    return json.loads(part(json.dumps(resource).encode(), subset, **how))


def names(resource, subset, **how):
    return [name for name in left(resource, subset, **how) if name != "meta"]


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        (Subset("true"), "id status intent doNotPerform medicationCodeableConcept subject"),
        (Subset("text"), "id text status intent medicationCodeableConcept subject"),
        (
            Subset("data"),
            "id contained extension status intent doNotPerform medicationCodeableConcept subject note",
        ),
        (Subset(None, ("note",)), "id status intent doNotPerform medicationCodeableConcept subject note"),
    ],
    ids=["summary", "text", "data", "elements"],
)
def test_what_must_be_there_and_what_changes_the_meaning_stays(subset, expected):
    assert names(REQUEST, subset) == ["resourceType", *expected.split()]


def test_what_is_left_keeps_its_numbers_and_order_and_is_marked():
    body = (
        b'{ "valueQuantity": {"value": 6.30}, "resourceType":"Observation", "id":"o", "meta":{"versionId":"1"},'
        b'"status":"final","note":[{"text":"x"}],"code":{"text":"c"},'
        b'"component":[{"code":{"text":"d"},"valueQuantity":{"value":12500.00},"referenceRange":[{"text":"r"}]}]}'
    )

    assert part(body, Subset("true")).decode() == (
        '{"valueQuantity":{"value":6.30},"resourceType":"Observation","id":"o",' + META + ',"status":"final",'
        '"code":{"text":"c"},"component":[{"code":{"text":"d"},"valueQuantity":{"value":12500.00}}]}'
    )


def test_a_summary_keeps_the_extensions_of_a_name_and_leaves_out_the_data_of_an_attachment():
    script = {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE"}
    patient = {
        "resourceType": "Patient",
        "name": [{"extension": [script], "family": "山田", "_family": {"id": "f"}}],
        "photo": [{"contentType": "image/png", "data": "AAAA"}],
    }
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [
            {"attachment": {"data": "AAAA"}},
            {"attachment": {"contentType": "text/plain", "data": "AAAA", "url": "Binary/b"}},
        ],
    }

    assert left(patient, Subset("true"))["name"] == patient["name"]
    assert "photo" not in left(patient, Subset("true"))
    assert left(document, Subset("true"))["content"] == [
        {"attachment": {"contentType": "text/plain", "url": "Binary/b"}}
    ]


def test_a_summary_reaches_into_resources_inside_and_repeated_definitions():
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": REQUEST}]}
    questions = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": "http://loinc.org"}], "exclude": [{"system": "http://example.org"}]},
    }

    assert list(left(bundle, Subset("true"))["entry"][0]["resource"]) == (IMPORTANT)
    assert "compose" not in left(questions, Subset("true"))


@pytest.mark.parametrize(
    ("elements", "asked", "expected"),
    [
        (("medication",), True, IMPORTANT),
        (("MedicationRequest.note",), False, [*IMPORTANT, "note"]),
        (("Patient.name",), True, list(REQUEST)),
        (("note",), False, list(REQUEST)),
    ],
    ids=["a choice by its stem", "by type", "of another type", "included, not asked for"],
)
def test_elements_speak_of_their_type_or_of_what_was_asked_for(elements, asked, expected):
    assert names(REQUEST, Subset(None, elements), asked=asked) == expected


def test_what_is_not_reduced_stays_as_its_bytes():
    body = b'{"resourceType": "Patient", "id": "p"}'

    assert part(body, Subset(None, ("Observation.status",))) == body


def test_the_mark_is_not_set_twice():
    once = part(json.dumps(REQUEST).encode(), Subset("data"))

    assert is_subsetted(json.loads(once))
    assert part(once, Subset("data")) == once


@pytest.mark.parametrize(("summary", "expected"), [(None, None), ("false", None), ("true", Subset("true"))])
def test_the_whole_is_wanted_unless_a_part_is_named(summary, expected):
    assert chosen(summary, (), ("Patient",)) == expected


@pytest.mark.parametrize(
    ("summary", "elements"),
    [(None, ("nothing",)), (None, ("Patient.nothing",)), (None, ("Nothing.id",)), ("data", ("name",))],
)
def test_an_element_that_no_type_has_and_two_ways_at_once_are_refused(summary, elements):
    with pytest.raises(InvalidValue) as refusal:
        chosen(summary, elements, ("Patient",))

    assert refusal.value.expression == "_elements"
