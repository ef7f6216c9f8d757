"""The stories hold together clinically: what is measured, prescribed and written is of the disease."""

from datetime import date

import pytest

from app.demo.analytes import ANALYTES
from app.demo.chart import chart
from app.demo.formulary import MEDICINES
from app.demo.laboratory import value
from app.demo.records import record
from app.demo.region import region
from app.demo.sites import DEPARTMENTS
from app.demo.stories import STORIES
from app.demo.visits import visits
from app.demo.vitals import VITALS

REGION = region()


def a_chart(person, site):
    return chart(REGION, site, REGION.person(person).at(site))


def results(person, site, name):
    code = {"HbA1c": "HbA1c(NGSP)", "CRP": "CRP", "Hb": "ヘモグロビン", "eGFR": "推算GFR"}[name]
    return [
        (resource["effectiveDateTime"][:10], resource["valueQuantity"]["value"])
        for _, resource in record(a_chart(person, site))
        if resource["resourceType"] == "Observation"
        and any(coding["display"] == code for coding in resource["code"]["coding"])
    ]


def prescribed(person, site):
    return {
        resource["medicationCodeableConcept"]["text"]
        for _, resource in record(a_chart(person, site))
        if resource["resourceType"] == "MedicationRequest"
    }


def test_everybody_has_a_story_and_every_story_is_told():
    assert {person.story for person in REGION.persons} == set(STORIES)


def test_a_diabetics_hba1c_rises_and_their_kidneys_fail():
    glycated = results("kiichiro", "clinic-c", "HbA1c")
    filtration = results("kiichiro", "clinic-c", "eGFR")

    assert glycated[0][1] < 7.5 < glycated[-1][1]
    assert filtration[0][1] > 50 > filtration[-1][1]


def test_a_diabetic_takes_metformin_and_later_sitagliptin():
    requests = [
        (resource["authoredOn"][:10], resource["medicationCodeableConcept"]["text"])
        for _, resource in record(a_chart("kiichiro", "clinic-c"))
        if resource["resourceType"] == "MedicationRequest"
    ]

    metformin = [day for day, name in requests if name.startswith("メトホルミン")]
    sitagliptin = [day for day, name in requests if name.startswith("シタグリプチン")]
    assert min(metformin) < min(sitagliptin)
    assert min(sitagliptin) >= a_chart("kiichiro", "clinic-c").event.isoformat()


def test_two_sites_see_one_curve():
    here, there = a_chart("kiichiro", "hospital-a"), a_chart("kiichiro", "clinic-c")

    for day in (date(2023, 5, 1), date(2025, 3, 1), date(2026, 2, 1)):
        assert value(here, "HbA1c", day) == pytest.approx(value(there, "HbA1c", day), abs=0.6)


def test_pneumonia_shows_in_crp_and_settles():
    course = results("tome", "hospital-b", "CRP")
    day = a_chart("tome", "hospital-b").event.isoformat()

    assert max(course, key=lambda found: found[1])[0] == day
    assert max(course)[1] < 1 < dict(course)[day]


def test_haemoglobin_falls_after_a_hip_fracture_and_recovers():
    course = [found for _, found in results("fumi", "hospital-b", "Hb")]

    assert min(course) < 10 < course[-1]


def test_a_mother_gives_birth_on_the_day_of_the_baby_of_her_household():
    assert a_chart("ayaka", "hospital-b").event == REGION.person("yuina").birth
    assert a_chart("rio", "hospital-a").event == REGION.person("yuma").birth


def test_after_a_stroke_of_the_heart_comes_an_anticoagulant():
    assert "エドキサバン錠３０ｍｇ" in prescribed("koichi", "hospital-b")


def test_the_hormone_is_given_only_after_the_operation():
    found = a_chart("emi", "hospital-b")
    days = [
        resource["authoredOn"][:10]
        for _, resource in record(found)
        if resource["resourceType"] == "MedicationRequest"
        and resource["medicationCodeableConcept"]["text"].startswith("アナストロゾール")
    ]

    assert min(days) >= found.event.isoformat()


@pytest.mark.parametrize("person", [person for person in REGION.persons if person.story == "infant"])
def test_an_infant_grows(person):
    weights = [
        resource["valueQuantity"]["value"]
        for _, resource in record(a_chart(person.slug, "clinic-d"))
        if resource["resourceType"] == "Observation" and resource["code"]["text"] == "体重"
    ]

    assert weights == sorted(weights)
    assert weights[0] < weights[-1]


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_plan_prescribes_and_measures_what_there_is(story):
    for plan in (story.clinic, story.hospital):
        assert set(plan.panel) <= set(ANALYTES)
        assert set(plan.vitals) <= {*VITALS, "bp"}
        assert {course.medicine for course in plan.courses} <= set(MEDICINES)
        assert plan.department in DEPARTMENTS
    assert set(story.trends) <= {*ANALYTES, *VITALS}
    assert story.event_days[0] < story.event_days[1]


def test_nobody_is_an_outpatient_while_in_hospital():
    for person in REGION.persons:
        for patient in person.patients:
            found = visits(chart(REGION, patient.site, patient))
            for stay in (visit for visit in found if visit.inpatient):
                days = [visit.day for visit in found if not visit.inpatient]
                assert not [day for day in days if stay.day <= day <= stay.last_day]
