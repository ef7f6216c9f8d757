from app.demo.region import region
from app.demo.sites import department, organization

REGION = region()


def test_an_organization_carries_its_number_whole_and_in_parts():
    found = organization(REGION.site("hospital-a"))

    assert found["identifier"] == [
        {
            "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
            "value": "0119900017",
        }
    ]
    prefecture, category, number = found["extension"]
    assert prefecture["valueCoding"]["code"] == "01"
    assert category["valueCoding"]["code"] == "1"
    assert number["valueIdentifier"]["value"] == "9900017"


def test_an_office_is_no_provider():
    kinds = [organization(site)["type"][0]["coding"][0]["code"] for site in REGION.sites]

    assert kinds == ["prov", "prov", "prov", "prov", "prov", "other", "other"]


def test_a_department_has_its_ss_mix2_code():
    assert department("小児科") == {
        "coding": [
            {
                "system": "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment",
                "code": "09",
                "display": "小児科",
            }
        ],
        "text": "小児科",
    }
