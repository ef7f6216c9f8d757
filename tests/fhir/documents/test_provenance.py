import pytest

from fhir.documents.provenance import provenance

HUB = {"recorded": "2024-05-01T09:00:00Z", "organization": "Organization/hub", "version": "0.1.0"}


def test_provenance_is_as_mxde_says():
    made = provenance(["Condition/1", "Observation/2"], "DocumentReference/3", **HUB)

    assert made["target"] == [{"reference": "Condition/1"}, {"reference": "Observation/2"}]
    assert made["policy"] == ["urn:ihe:iti:mxde:2023:document-provenance-policy"]
    assert made["activity"]["coding"][0]["code"] == "Derivation"
    assert made["entity"] == [{"role": "source", "what": {"reference": "DocumentReference/3"}}]
    assert made["agent"] == [
        {
            "type": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                        "code": "assembler",
                    }
                ]
            },
            "who": {"reference": "#hub"},
            "onBehalfOf": {"reference": "Organization/hub"},
        }
    ]
    assert made["contained"][0]["version"] == [{"value": "0.1.0"}]


def test_provenance_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one target"):
        provenance([], "Bundle/1", **HUB)
