from collections import Counter
from datetime import date

from app.demo.region import region

REGION = region()
CONSENTS = {consent.person: consent for consent in REGION.consents}
CARE = ("hospital-a", "hospital-b", "clinic-c", "clinic-d", "clinic-e")


def test_everybody_has_answered_once():
    assert [consent.person for consent in REGION.consents] == [person.slug for person in REGION.persons]


def test_half_consent_to_all_sites_and_every_pattern_occurs():
    counts = Counter(consent.pattern for consent in REGION.consents)

    assert counts == {"all-sites": 22, "site-pair": 6, "site-list": 6, "none": 5, "withdrawn": 5}


def test_consent_to_all_sites_names_every_place_of_care():
    consent = CONSENTS["kiichiro"]

    assert (consent.disclosing, consent.receiving) == (CARE, CARE)


def test_a_pair_lets_one_site_show_to_one_other():
    consent = CONSENTS["sumiko"]

    assert (consent.disclosing, consent.receiving) == (("clinic-c",), ("hospital-b",))


def test_a_list_is_of_the_sites_that_know_them_and_one_more():
    consent = CONSENTS["kazue"]

    assert consent.disclosing == ("hospital-b", "clinic-e", "hospital-a")
    assert consent.receiving == ("hospital-b", "clinic-e", "hospital-a", "clinic-c")


def test_who_consents_to_nothing_names_no_site():
    consent = CONSENTS["shota"]

    assert (consent.pattern, consent.disclosing, consent.receiving) == ("none", (), ())


def test_a_withdrawal_comes_after_the_consent_and_before_today():
    for consent in REGION.consents:
        if consent.pattern == "withdrawn":
            assert consent.since < consent.withdrawn < date(2026, 4, 1)
        else:
            assert consent.withdrawn is None


def test_an_answer_is_taken_at_a_site_that_knows_the_person():
    for consent in REGION.consents:
        assert REGION.person(consent.person).at(consent.desk)


def test_some_keep_a_category_back_and_one_releases_a_label():
    assert CONSENTS["tadashi"].excluded_types == ("MedicationRequest",)
    assert CONSENTS["tadashi"].pattern == "all-sites"
    assert CONSENTS["nana"].released_labels == ("PSY",)
