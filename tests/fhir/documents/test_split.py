import json

import pytest

from fhir.documents.split import split
from fhir.envelope import Envelope, EnvelopeEntry, read_bundle
from fhir.errors import Unprocessable
from fhir.resolve import resolve_internal

PATIENT = {"resourceType": "Patient"}
COMPOSITION = {"resourceType": "Composition", "subject": {"reference": "urn:uuid:1"}}


def document(*resources: dict, kind: str = "document", **more) -> Envelope:
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": resource} for n, resource in enumerate(resources)]
    bundle = {"resourceType": "Bundle", "type": kind, "identifier": {"value": "d1"}, "entry": entries} | more
    return read_bundle(json.dumps(bundle).encode())


def about(name_of_type: str, link: str, name: str = "subject", **more) -> dict:
    return {"resourceType": name_of_type, name: {"reference": link}, **more}


def test_split_gives_every_resource_after_those_it_refers_to():
    extract = split(
        document(
            COMPOSITION | {"section": [{"entry": [{"reference": "urn:uuid:2"}]}]},
            PATIENT | {"managingOrganization": {"reference": "urn:uuid:4"}},
            about("Condition", "urn:uuid:1", encounter={"reference": "urn:uuid:3"}),
            about("Encounter", "urn:uuid:1", diagnosis=[{"condition": {"reference": "urn:uuid:2"}}]),
            {"resourceType": "Organization"},
            {"resourceType": "OperationOutcome"},
        )
    )

    assert [entry.type for entry in extract.resources] == [
        "Organization",
        "Patient",
        "Encounter",
        "Condition",
        "Composition",
    ]
    assert extract.patient is extract.resources[1]
    assert extract.patient.full_url == "urn:uuid:1"
    assert extract.composition["resourceType"] == "Composition"
    assert extract.identifier == {"value": "d1"}
    assert extract.issues == ()


def test_split_of_a_collection_takes_the_only_patient():
    extract = split(document(about("Observation", "urn:uuid:1"), PATIENT, kind="collection"))

    assert [entry.type for entry in extract.resources] == ["Patient", "Observation"]
    assert extract.composition is None


def test_split_leaves_out_entries_without_a_resource():
    entries = (EnvelopeEntry(), EnvelopeEntry(type="Patient", resource=b'{"resourceType":"Patient"}'))

    extract = split(Envelope("collection", entries, {}))

    assert extract.resources == entries[1:]
    assert extract.identifier is None


def test_split_lets_relative_links_mean_entries_by_type_and_id():
    extract = split(
        document(
            about("Composition", "Patient/p"),
            PATIENT | {"id": "p"},
            about("Condition", "Patient/p", "patient", recorder={"reference": "Practitioner/twice"}),
            {"resourceType": "Practitioner", "id": "twice"},
            {"resourceType": "Practitioner", "id": "twice"},
        )
    )

    stored = resolve_internal(extract.resources, ["Patient/7", "Condition/8", "A/1", "A/2", "A/3"], by_id=True)

    assert extract.issues == ()
    assert stored.links[1].get("Patient/p") == "Patient/7"
    assert stored.links[1].get("Practitioner/twice") is None


def test_what_is_extracted_inherits_the_labels_of_the_document():
    psychiatry, hiv = {"code": "PSY"}, {"code": "HIV"}
    labelled = COMPOSITION | {"confidentiality": "R", "meta": {"security": [hiv]}}

    extract = split(document(labelled, PATIENT, meta={"security": [psychiatry]}))

    restricted = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    assert extract.labels == (psychiatry, hiv, restricted)


@pytest.mark.parametrize(
    ("envelope", "diagnostics", "expression"),
    [
        (document(PATIENT, kind="batch"), "A Bundle of this type is not taken apart.", "Bundle.type"),
        (document(), "A document begins with its Composition.", "Bundle.entry[0].resource"),
        (
            document(PATIENT, COMPOSITION),
            "A document begins with its Composition.",
            "Bundle.entry[0].resource",
        ),
        (
            document({"resourceType": "Composition"}),
            "The Bundle does not hold the Patient it is about.",
            "Bundle.entry",
        ),
        (
            document(COMPOSITION, PATIENT, PATIENT),
            "The Bundle holds a second Patient; a document is about one.",
            "Bundle.entry[2].resource",
        ),
        (
            document(about("Composition", "urn:uuid:0"), PATIENT),
            "The Composition is not about the Patient of the Bundle.",
            "Bundle.entry[0].resource.subject.reference",
        ),
        (
            document(about("Composition", "Patient/9"), PATIENT | {"id": "p"}),
            "The Composition is not about the Patient of the Bundle.",
            "Bundle.entry[0].resource.subject.reference",
        ),
    ],
    ids=[
        "batch",
        "empty",
        "no Composition first",
        "no Patient",
        "two Patients",
        "about itself",
        "about another",
    ],
)
def test_split_refuses(envelope, diagnostics, expression):
    with pytest.raises(Unprocessable) as refused:
        split(envelope)

    assert (refused.value.diagnostics, refused.value.expression) == (diagnostics, expression)


def test_split_reports_resources_about_somebody_else_and_links_to_nothing():
    extract = split(
        document(
            COMPOSITION,
            PATIENT | {"id": "p"},
            about("Condition", "Patient/q"),
            about("Immunization", "https://h/fhir/Patient/q/_history/2", "patient"),
            about("Observation", "urn:uuid:1", focus=[{"reference": "Patient/q"}]),
            about("Observation", "urn:uuid:99"),
            about("Observation", "Group/1") | {"patient": "odd"},
        )
    )

    assert [(issue.code, issue.expression) for issue in extract.issues] == [
        ("not-found", "Bundle.entry[5].resource.subject.reference"),
        ("value", "Bundle.entry[2].resource.subject.reference"),
        ("value", "Bundle.entry[3].resource.patient.reference"),
    ]
