import pytest

from app.demo.chart import chart
from app.demo.region import region
from app.demo.visits import encounter, visits

REGION = region()


def a_chart(person, site):
    return chart(REGION, site, REGION.person(person).at(site))


CHARTS = [chart(REGION, patient.site, patient) for person in REGION.persons for patient in person.patients]


def test_everybody_has_been_where_they_are_known():
    assert all(visits(found) for found in CHARTS)


def test_no_office_is_open_on_sunday_or_at_new_year():
    days = [visit.day for found in CHARTS for visit in visits(found) if not visit.inpatient]

    assert not [day for day in days if day.weekday() == 6]
    assert not [day for day in days if (day.month, day.day) in {(12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}]


def test_visits_come_in_order_and_are_counted():
    for found in CHARTS:
        days = [visit.day for visit in visits(found)]
        assert days == sorted(days)
        assert [visit.number for visit in visits(found)] == list(range(len(days)))


def test_only_the_first_hospital_admits():
    stays = {
        patient.site: [visit.inpatient for visit in visits(a_chart("tetsuo", patient.site))].count(True)
        for patient in REGION.person("tetsuo").patients
    }

    assert stays == {"hospital-a": 1, "hospital-b": 0, "clinic-c": 0}


def test_an_outpatient_visit_lasts_half_an_hour():
    found = a_chart("shota", "clinic-c")

    for visit in visits(found):
        _, resource = encounter(found, visit)
        assert resource["class"]["code"] == "AMB"
        assert resource["period"]["start"] < resource["period"]["end"]
        assert resource["period"]["start"][:10] == resource["period"]["end"][:10]
        assert "hospitalization" not in resource


def test_a_stay_has_its_length_reason_and_diagnoses():
    found = a_chart("fumi", "hospital-b")
    stay = next(visit for visit in visits(found) if visit.inpatient)

    _, resource = encounter(found, stay, ("urn:uuid:1",))

    assert resource["class"]["code"] == "IMP"
    assert resource["length"]["value"] == 32
    assert resource["reasonCode"] == [{"text": "右大腿骨頸部骨折に対する手術"}]
    assert resource["diagnosis"][0]["condition"]["reference"] == "urn:uuid:1"
    assert resource["serviceType"]["text"] == "整形外科"
    assert resource["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "1"


def test_a_stay_cannot_be_written_where_there_is_none():
    stay = next(visit for visit in visits(a_chart("fumi", "hospital-b")) if visit.inpatient)

    with pytest.raises(ValueError, match="shota has no stay at clinic-c"):
        encounter(a_chart("shota", "clinic-c"), stay)


def test_psychiatric_encounters_are_labelled_and_others_are_not():
    psychiatry, clinic = a_chart("yuko", "hospital-a"), a_chart("yuko", "clinic-c")

    _, labelled = encounter(psychiatry, visits(psychiatry)[0])
    _, plain = encounter(clinic, visits(clinic)[0])

    assert [label["code"] for label in labelled["meta"]["security"]] == ["PSY"]
    assert "security" not in plain["meta"]
