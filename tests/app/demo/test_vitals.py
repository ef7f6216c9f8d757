from datetime import date

from app.demo.chart import chart
from app.demo.region import region
from app.demo.visits import visits
from app.demo.vitals import observations

REGION = region()


def signs(person, site, *names, day=None):
    found = chart(REGION, site, REGION.person(person).at(site))
    visit = visits(found)[-1]
    return [resource for _, resource in observations(found, visit, names, day or visit.day)]


def test_blood_pressure_is_one_observation_of_two_components():
    (found,) = signs("tetsuo", "hospital-a", "bp")

    assert found["code"]["coding"][0]["code"] == "85354-9"
    assert [part["code"]["coding"][0]["code"] for part in found["component"]] == ["8480-6", "8462-4"]
    systolic, diastolic = (part["valueQuantity"]["value"] for part in found["component"])
    assert 90 < diastolic + 30 < systolic + 30 < 230
    assert "valueQuantity" not in found


def test_a_sign_is_coded_in_loinc_with_a_ucum_unit():
    (found,) = signs("tetsuo", "hospital-a", "temperature")

    assert found["code"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "8310-5",
        "display": "Body temperature",
    }
    assert found["valueQuantity"]["code"] == "Cel"
    assert 35.5 < found["valueQuantity"]["value"] < 37.5


def test_saturation_never_passes_a_hundred():
    (found,) = signs("shota", "clinic-c", "spo2")
    values = {
        signs("shota", "clinic-c", "spo2", day=date(2025, 1, day))[0]["valueQuantity"]["value"] for day in range(1, 29)
    }

    assert found["valueQuantity"]["unit"] == "%"
    assert max(values) <= 100


def test_a_child_has_the_size_of_its_age():
    weight, height = signs("ren", "clinic-d", "weight", "height", day=date(2024, 5, 16))

    # Six years old: the median is 20.5 kg and 116 cm.
    assert 20 < weight["valueQuantity"]["value"] < 21
    assert 115 < height["valueQuantity"]["value"] < 117


def test_both_category_systems_say_vital_signs():
    (found,) = signs("ren", "clinic-d", "weight")

    assert {category["coding"][0]["code"] for category in found["category"]} == {"vital-signs"}
    assert len(found["category"]) == 2
