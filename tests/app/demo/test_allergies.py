from app.demo.allergies import intolerances
from app.demo.chart import chart
from app.demo.region import region

REGION = region()


def allergies(person, site):
    found = intolerances(chart(REGION, site, REGION.person(person).at(site)))
    return [resource for _, resource in found]


def test_food_is_coded_in_j_fagy():
    (found,) = allergies("kiichiro", "hospital-a")

    assert found["code"]["coding"][0]["code"] == "J9FC11310000"
    assert (found["category"], found["criticality"]) == (["food"], "low")


def test_a_medicine_is_coded_as_ordered_and_critical():
    (found,) = allergies("tome", "clinic-e")

    assert found["code"]["coding"][0]["code"] == "6131001M2ZZZ"
    assert (found["category"], found["criticality"]) == (["medication"], "high")


def test_who_tolerates_everything_has_none():
    assert allergies("shota", "clinic-c") == []
