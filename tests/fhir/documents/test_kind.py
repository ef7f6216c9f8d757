import pytest

from fhir.documents.kind import kind, kind_of_tree

CLINS = "http://jpfhir.jp/fhir/clins/StructureDefinition"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("57833-6", "prescription"),
        ("53576-5", "checkup"),
        ("JPGCHKUP01", "checkup"),
        ("57133-1", "referral"),
        ("18842-5", "discharge"),
        ("56447-6", "plan"),
        ("60591-5", "other"),
    ],
)
def test_a_document_is_known_by_the_code_of_its_composition(code, found):
    assert kind({"type": "document"}, {"type": {"coding": [{"system": "http://loinc.org", "code": code}]}}) == found


@pytest.mark.parametrize(
    ("profile", "found"),
    [("JP_Bundle_eReferral|1", "referral"), ("JP_Bundle_CLINS", "information"), ("JP_Bundle_Other|2", "other")],
)
def test_a_document_is_known_by_a_profile_whatever_its_version(profile, found):
    assert kind({"type": "collection", "meta": {"profile": [f"{CLINS}/{profile}"]}}, None) == found


def test_a_collection_is_known_by_the_system_of_its_identifier():
    identifier = {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": "0110000001^2024^1"}

    assert kind({"type": "collection", "identifier": identifier}, None) == "information"
    assert kind({"type": "document", "identifier": identifier}, None) == "other"


@pytest.mark.parametrize("entry", [None, 1, [], [None], [{}], [{"resource": 1}], [{"resource": {"resourceType": 1}}]])
def test_a_bundle_that_was_not_looked_at_yet_is_of_another_kind(entry):
    assert kind_of_tree({"type": 3, "entry": entry, "meta": [], "identifier": "x"}) == "other"
