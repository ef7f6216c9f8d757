from datetime import date

from app.demo.chart import chart
from app.demo.problems import conditions
from app.demo.region import region

REGION = region()


def problems(person, site):
    found = conditions(chart(REGION, site, REGION.person(person).at(site)))
    return {resource["code"]["text"]: resource for _, resource in found}


def test_a_disease_has_a_key_number_and_icd10_without_its_point():
    found = problems("kiichiro", "hospital-a")["２型糖尿病"]

    assert [(coding["system"].rsplit("/", 1)[1], coding["code"]) for coding in found["code"]["coding"]] == [
        ("master-disease-keyNumber", "20050020"),
        ("ICD10-2013-full", "E119"),
    ]


def test_a_disease_without_a_known_key_number_is_uncoded_there():
    found = problems("kiichiro", "hospital-a")["脂質異常症"]

    assert found["code"]["coding"][0]["code"] == "99999999"
    assert found["code"]["coding"][0]["display"] == "未コード化傷病名"


def test_a_chronic_disease_is_active_and_began_years_ago():
    found = problems("kiichiro", "hospital-a")["２型糖尿病"]

    assert found["clinicalStatus"]["coding"][0]["code"] == "active"
    assert date.fromisoformat(found["onsetDateTime"]).year == 2016
    assert "abatementDateTime" not in found


def test_a_disease_that_is_over_is_resolved_on_its_day():
    found = problems("tome", "hospital-b")["肺炎"]

    assert found["clinicalStatus"]["coding"][0]["code"] == "resolved"
    onset, end = (date.fromisoformat(found[key]) for key in ("onsetDateTime", "abatementDateTime"))
    assert (end - onset).days == 21


def test_a_suspicion_is_provisional_and_flagged_as_not_told():
    found = problems("emi", "hospital-b")["転移性骨腫瘍の疑い"]

    assert found["verificationStatus"]["coding"][0]["code"] == "provisional"
    assert found["meta"]["tag"] == [
        {
            "system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication",
            "code": "UNINFORMED",
            "display": "未告知",
        }
    ]


def test_every_flag_and_the_psychiatric_label_occur():
    flags, labels = set(), set()
    for person in REGION.persons:
        for resource in problems(person.slug, person.patients[0].site).values():
            flags |= {tag["code"] for tag in resource["meta"].get("tag", [])}
            labels |= {label["code"] for label in resource["meta"].get("security", [])}

    assert flags == {"LTS", "UNINFORMED", "UNDELIVERED"}
    assert labels == {"PSY"}


def test_a_childs_disease_does_not_begin_before_birth():
    found = problems("an", "clinic-d")["気管支喘息"]

    assert found["onsetDateTime"] > "2016-09-30"
