from fhir.documents.provenance import provenance
from fhir.search.extract import extract
from fhir.search.hashing import hash64
from fhir.search.internal import BELONGS_WITH, EXTRACTED_FROM, TARGET
from fhir.spec.search_parameters import _by_id

BINARY = {"resourceType": "Binary", "securityContext": {"reference": "http://a.example/DocumentReference/1"}}


def test_no_search_parameter_has_the_number_of_an_internal_one() -> None:
    assert {BELONGS_WITH, EXTRACTED_FROM} & set(_by_id()) == set()
    assert extract(BINARY).parameters == set()


def test_a_binary_is_found_by_what_it_belongs_with() -> None:
    assert extract(BINARY).reference == [(BELONGS_WITH, hash64("DocumentReference/1"))]


def test_a_provenance_has_only_the_rows_that_its_targets_have_not() -> None:
    targets = ["Observation/1", "https://hub.example/fhir/Observation/2"]
    made = provenance([*targets, "http://a.example/Group/3"], "Bundle/4", recorded="", organization="", version="")

    rows = extract(made, base_url="https://hub.example/fhir").reference

    assert [row for row in rows if row[0] < 0] == [
        (BELONGS_WITH, hash64("Group/3")),
        (EXTRACTED_FROM, hash64("Bundle/4")),
    ]
    assert [row for row in rows if row[0] == TARGET][:2] == [
        (TARGET, hash64("Observation/1")),
        (TARGET, hash64("Observation/2")),
    ]
