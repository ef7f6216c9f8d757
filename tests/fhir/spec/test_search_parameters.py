import subprocess
import sys

import pytest

from fhir.spec import search_parameters
from fhir.spec.search_parameters import COMPARTMENTS, Component, SearchParameter, by_id, parameters

TYPES = 146
ROWS = 3024
"""3,011 of R4, and one that PDQm asks for."""


def every_parameter():
    return [by_id(id_) for id_ in range(1, ROWS + 1)]


def test_the_table_holds_every_parameter_of_every_type_once():
    found = every_parameter()

    assert len({parameter.base for parameter in found}) == TYPES
    assert len({(parameter.base, parameter.code) for parameter in found}) == ROWS
    with pytest.raises(KeyError):
        by_id(ROWS + 1)


def test_a_parameter_says_where_its_values_are_and_what_they_refer_to():
    patient = parameters("Observation")["patient"]

    assert patient == by_id(1999)
    assert patient.expression == "Observation.subject.where(resolve() is Patient)"
    assert patient.paths == ("subject ->Patient :Reference",)
    assert patient.targets == ("Patient",)
    assert patient.element_types == {"Reference"}


@pytest.mark.parametrize(
    ("base", "code", "paths"),
    [
        ("Patient", "_id", ("id :id",)),
        ("Patient", "_lastUpdated", ("meta lastUpdated :instant",)),
        ("Patient", "name", ("name :HumanName",)),
        ("Patient", "email", ("telecom ?system=email :ContactPoint",)),
        ("Patient", "deceased", ("!deceasedBoolean,deceasedDateTime :boolean",)),
        ("Bundle", "composition", ("entry #0 resource :Resource",)),
        ("Condition", "onset-date", ("onsetDateTime :dateTime", "onsetPeriod :Period")),
        ("MedicationRequest", "code", ("medicationCodeableConcept :CodeableConcept",)),
        ("MedicationRequest", "medication", ("medicationReference :Reference",)),
        ("Library", "successor", ("relatedArtifact ?type=successor resource :canonical",)),
        ("ImagingStudy", "modality", ("series modality :Coding",)),
        ("Patient", "_content", ()),
    ],
)
def test_an_expression_is_restricted_to_its_type_and_resolved(base, code, paths):
    assert parameters(base)[code].paths == paths


def test_every_parameter_but_the_text_searches_has_paths():
    without = {parameter.code for parameter in every_parameter() if not parameter.paths}

    assert without == {"_content", "_text", "_query"}


def test_a_composite_knows_its_components_and_where_they_are():
    combo = parameters("Observation")["combo-code-value-quantity"]

    assert combo.paths == (":Observation", "component :BackboneElement")
    assert combo.components == (
        Component("combo-code", ("code :CodeableConcept",)),
        Component("combo-value-quantity", ("valueQuantity :Quantity",)),
    )


def test_every_component_is_a_parameter_of_the_same_type_and_has_paths():
    composites = [parameter for parameter in every_parameter() if parameter.type == "composite"]

    assert len(composites) == 72
    for composite in composites:
        assert all(c.code in parameters(composite.base) and c.paths for c in composite.components)
        assert len(composite.components) >= 2


def test_a_reference_to_anything_refers_to_every_type_that_is_stored():
    targets = parameters("List")["item"].targets

    assert (len(targets), "Parameters" in targets) == (TYPES - 1, False)


def test_a_type_that_r4_does_not_have_has_no_parameters():
    assert parameters("Patients") == {}


def test_the_compartments_are_the_published_ones():
    assert {name: len(members) for name, members in COMPARTMENTS.items()} == {
        "Patient": 66,
        "Encounter": 25,
        "RelatedPerson": 32,
        "Practitioner": 59,
        "Device": 32,
    }
    assert COMPARTMENTS["Patient"]["Observation"] == ("subject", "performer")
    assert COMPARTMENTS["Patient"]["Patient"] == ("link",)
    assert COMPARTMENTS["Encounter"]["Encounter"] == ("_id",)
    assert "Medication" not in COMPARTMENTS["Patient"]


def test_the_compartments_name_reference_parameters_only():
    for name, members in COMPARTMENTS.items():
        for base, codes in members.items():
            assert {
                "reference" if code == "_id" and base == name else parameters(base)[code].type for code in codes
            } == {"reference"}


def test_importing_reads_no_search_parameter():
    command = "from fhir.spec import search_parameters as s; print(s._rows.cache_info().currsize)"

    told = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)

    assert told.stdout == "0\n"


def test_parameters_of_one_number_are_equal_and_hash_alike():
    assert hash(SearchParameter(1, "A", "b", "token")) == hash(
        SearchParameter(1, "A", "b", "token", paths=("b :code",))
    )
    assert search_parameters.parameters("Patient") is parameters("Patient")
