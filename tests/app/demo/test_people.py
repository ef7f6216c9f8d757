import re
import unicodedata
from datetime import date
from typing import get_args

import pytest

from app.demo.people import Writing, people

PEOPLE = people(20260401)
PATIENTS = [patient for person in PEOPLE for patient in person.patients]


def person(slug):
    return next(person for person in PEOPLE if person.slug == slug)


def test_there_are_enough_people_from_infant_to_98():
    assert len(PEOPLE) == 44
    assert min(person.birth for person in PEOPLE) == date(1927, 6, 1)
    assert max(person.birth for person in PEOPLE) == date(2025, 11, 20)


def test_many_are_known_at_two_or_three_sites():
    counts = [len(person.patients) for person in PEOPLE]

    assert [counts.count(number) for number in (1, 2, 3)] == [20, 22, 2]


@pytest.mark.parametrize("seed", [20260401, 1, 2, 3, 4, 5])
def test_no_two_patients_of_a_site_share_a_number(seed):
    numbers = [(patient.site, patient.number) for person in people(seed) for patient in person.patients]

    assert len(set(numbers)) == len(numbers) == 70
    assert {len(number) for site, number in numbers if site.startswith("hospital")} == {8}
    assert {len(number) for site, number in numbers if site.startswith("clinic")} == {6}


def test_one_person_has_another_number_at_each_site():
    for person in PEOPLE:
        assert len({patient.number for patient in person.patients}) == len(person.patients)


def test_every_way_of_writing_a_person_occurs():
    assert {patient.writing for patient in PATIENTS} == set(get_args(Writing))


@pytest.mark.parametrize(
    ("slug", "families"),
    [
        ("kiichiro", ["高橋", "髙橋"]),
        ("tetsuo", ["渡辺", "渡邊", "渡辺"]),
        ("kazue", ["渡辺", "渡邉", None]),
        ("keiko", ["山崎", "山﨑"]),
        ("shohei", ["吉田", "𠮷田"]),
        ("seiji", ["斎藤", "齋藤"]),
    ],
)
def test_a_surname_is_written_differently_by_different_sites(slug, families):
    assert [patient.family for patient in person(slug).patients] == families


def test_one_surname_lies_outside_the_basic_plane():
    assert any(ord(letter) > 0xFFFF for patient in PATIENTS for letter in patient.family or "")


def test_half_width_kana_fold_back_to_the_same_name():
    known, other = person("yuko").patients

    assert (other.family_kana, other.given_kana) == ("ｻｲﾄｳ", "ﾕｶｺ")
    assert unicodedata.normalize("NFKC", other.family_kana) == known.family_kana


def test_half_width_kana_keep_their_voicing_marks():
    assert person("seijiro").at("clinic-d").given_kana == "ｾｲｼﾞﾛｳ"


def test_full_width_digits_fold_back_to_the_same_address_and_insurance():
    known, other = person("shozo").at("clinic-e"), person("shozo").at("hospital-b")

    assert re.search("[０-９]", other.address)
    assert unicodedata.normalize("NFKC", other.address) == known.address
    assert unicodedata.normalize("NFKC", other.phone) == known.phone
    assert other.insurance != known.insurance
    assert unicodedata.normalize("NFKC", other.insurance) == known.insurance


def test_somebody_moved_and_somebody_changed_their_insurer():
    home, moved = person("aki").patients
    insured, formerly = person("koichi").patients

    assert home.address != moved.address
    assert home.insurance == moved.insurance
    assert insured.insurance != formerly.insurance
    assert insured.address == formerly.address


def test_twins_share_birth_address_phone_and_insurance_but_the_branch():
    first, second = person("ren").patients[0], person("aoi").patients[0]

    for field in ("birth", "family", "address", "phone", "sex"):
        assert getattr(first, field) == getattr(second, field)
    assert first.insurance[:-2] == second.insurance[:-2]
    assert first.insurance[-2:] != second.insurance[-2:]


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: f"{patient.person}@{patient.site}")
def test_an_insurance_id_has_the_form_of_jp_clins(patient):
    # JP_Patient_eCS, rule R1013.
    assert re.search(r"^[0-9]{8}:[^:^\s^　]*:[^:^\s^　]*:(.{0}|[0-9][0-9])$", patient.insurance)


def test_from_75_everybody_has_an_insurance_of_their_own():
    husband, wife = person("tetsuo").patients[0], person("kazue").patients[0]

    assert husband.insurance.startswith("39")
    assert husband.insurance != wife.insurance


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: f"{patient.person}@{patient.site}")
def test_no_phone_number_can_ring(patient):
    # No exchange begins with 0 in Japan.
    assert re.fullmatch(r"0157-0\d-\d{4}|090-0\d{3}-\d{4}", unicodedata.normalize("NFKC", patient.phone))


def test_a_person_is_not_found_where_nobody_knows_them():
    assert person("shota").at("hospital-a") is None


def test_another_seed_gives_other_numbers_and_the_same_names():
    other = people(7)

    assert other[0].patients[0].number != PEOPLE[0].patients[0].number
    assert other[0].patients[0].family == PEOPLE[0].patients[0].family
