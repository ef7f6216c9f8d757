from app.demo.chart import chart
from app.demo.patients import coverage, patient
from app.demo.region import region

REGION = region()


def a_patient(person, site):
    return patient(chart(REGION, site, REGION.person(person).at(site)))[1]


def test_a_patient_has_the_sites_number_and_the_insurance_id():
    found = a_patient("kiichiro", "hospital-a")

    number, insurance = found["identifier"]
    assert number["system"] == "urn:oid:1.2.392.100495.20.3.51.10119900017"
    assert insurance["system"] == "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"


def test_a_name_is_given_in_kanji_and_in_kana():
    kanji, kana = a_patient("kiichiro", "clinic-c")["name"]

    assert (kanji["text"], kanji["extension"][0]["valueCode"]) == ("髙橋 喜一郎", "IDE")
    assert (kana["text"], kana["extension"][0]["valueCode"]) == ("タカハシ キイチロウ", "SYL")


def test_a_site_may_know_the_kana_only():
    assert [name["text"] for name in a_patient("tome", "clinic-e")["name"]] == ["コバヤシ トメ"]


def test_no_name_holds_a_full_width_space():
    # JP_Patient_eCS, rule R1113.
    for person in REGION.persons:
        for known in person.patients:
            for name in a_patient(person.slug, known.site)["name"]:
                assert "　" not in name["text"]


def test_a_coverage_has_the_parts_of_the_insurance_id():
    found = coverage(chart(REGION, "clinic-c", REGION.person("shota").at("clinic-c")))[1]

    parts = [(part["url"].rsplit("_", 1)[1], part["valueString"]) for part in found["extension"]]
    insurer = found["payor"][0]["identifier"]["value"]
    assert ":".join((insurer, *(value for _, value in parts))) == (REGION.person("shota").at("clinic-c").insurance)
    assert [name for name, _ in parts] == [
        "InsuredPersonSymbol",
        "InsuredPersonNumber",
        "InsuredPersonSubNumber",
    ]


def test_an_empty_part_of_the_insurance_id_is_left_out():
    found = coverage(chart(REGION, "hospital-b", REGION.person("tome").at("hospital-b")))[1]

    assert [part["url"].rsplit("_", 1)[1] for part in found["extension"]] == ["InsuredPersonNumber"]
