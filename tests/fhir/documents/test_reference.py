from fhir.documents.reference import document_reference
from fhir.profiles.structure import check

HEAD = {
    "resourceType": "Composition",
    "type": {"text": "紹介状"},
    "author": [{"reference": "urn:uuid:1", "display": "港診療所"}, {"reference": "https://example.org/Practitioner/1"}],
    "event": [{"code": [{"text": "発行"}], "period": {"start": "2020-08-21"}}],
    "title": "診療情報提供書",
    "date": "2024-05-01",
}
OWN = {"address": "Bundle/1", "patient": "Patient/2", "organization": "Organization/3", "head": "Composition/4"}


def made(bundle, composition, **more):
    return document_reference(bundle, composition, **{"links": {}, "labels": (), **OWN, **more})


def test_a_document_reference_says_what_the_document_says():
    bundle = {"identifier": {"value": "d"}, "timestamp": "2024-05-01T09:00:00Z", "meta": {"profile": ["urn:p|1"]}}
    reference = made(bundle, HEAD, links={"urn:uuid:1": "Organization/9"}, labels=({"system": "s", "code": "R"},))

    assert check(reference) == []
    assert reference["author"][0] == {"reference": "Organization/9", "display": "港診療所"}
    assert reference["author"][1] == {"reference": "https://example.org/Practitioner/1"}
    assert reference["content"][0]["format"] == {"system": "urn:ietf:rfc:3986", "code": "urn:p"}
    assert reference["context"]["period"] == {"start": "2020-08-21"}
    assert reference["securityLabel"] == [{"coding": [{"system": "s", "code": "R"}]}]


def test_of_a_document_that_says_little_only_that_is_said():
    reference = made({}, {"resourceType": "Composition", "title": "x"}, head="")

    assert check(reference) == []
    assert reference.keys() == {"resourceType", "status", "subject", "custodian", "description", "content"}
