from typing import Any

import pytest

from fhir.belonging import attached, extracted_from, made_from, pointed_at
from fhir.documents.provenance import POLICY, made_of


@pytest.mark.parametrize(
    ("resource", "links"),
    [
        ({"resourceType": "Binary", "securityContext": {"reference": "Observation/1"}}, ["Observation/1"]),
        ({"resourceType": "Binary", "securityContext": {"identifier": {"value": "1"}}}, []),
        (
            {"resourceType": "Provenance", "target": [{"reference": "Observation/1/_history/2"}, {"reference": "#a"}]},
            ["Observation/1"],
        ),
        ({"resourceType": "Provenance", "target": [{"reference": "http://a.example/fhir/Group/1"}]}, ["Group/1"]),
        ({"resourceType": "Provenance", "target": [5, {"reference": 5}, "Group/1"]}, []),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, []),
    ],
    ids=["an attachment", "no link", "a version and what is contained", "an address", "no references", "none of these"],
)
def test_what_a_resource_belongs_with(resource: dict[str, Any], links: list[str]) -> None:
    assert pointed_at(resource) == links


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"policy": [POLICY]}, ["Bundle/1"]),
        ({"policy": ["urn:other"]}, []),
        ({"policy": POLICY}, []),
        ({}, []),
        ({"policy": [POLICY], "resourceType": "Basic"}, []),
    ],
    ids=["by the policy of mXDE", "by another", "no list", "by none", "no Provenance"],
)
def test_what_the_targets_of_a_provenance_were_extracted_from(fields: dict[str, Any], links: list[str]) -> None:
    entity = [{"role": "source", "what": {"reference": "Bundle/1"}}, {"role": "source"}]

    assert extracted_from({"resourceType": "Provenance", "entity": entity, **fields}) == links


def test_what_a_document_was_put_together_of_was_not_extracted_from_it() -> None:
    told = made_of(["Bundle/1"], ["Condition/1", "Patient/2"], recorded="", organization="Organization/a", version="1")

    assert made_from(told) == ["Condition/1", "Patient/2"]
    assert extracted_from(told) == []
    assert pointed_at(told) == ["Bundle/1"]


def test_attachments_are_found_wherever_they_are() -> None:
    resource = {
        "resourceType": "DocumentReference",
        "extension": [{"url": "http://example.org/Binary", "valueAttachment": {"url": "Binary/1"}}],
        "contained": [{"resourceType": "Media", "content": {"url": "http://a.example/fhir/Binary/2/_history/1"}}],
        "content": [{"attachment": {"url": "Bundle/3"}}, {"attachment": {"url": "http://a.example/scan.pdf"}}],
        "relatesTo": [{"target": {"reference": "Binary/4"}}],
    }

    assert list(attached(resource)) == ["Binary/1", "Binary/2", "Bundle/3"]
