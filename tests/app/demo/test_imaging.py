from datetime import date

import pytest

from app.demo.imaging import studies
from app.demo.region import region

REGION = region()
STUDIES = {site.slug: list(studies(REGION, site.slug)) for site in REGION.sites}
EVERY = [order for orders in STUDIES.values() for order in orders]


def test_only_hospitals_have_images():
    assert [slug for slug, orders in STUDIES.items() if orders] == ["hospital-a", "hospital-b"]
    assert 40 < len(EVERY) < 80


def test_an_order_names_the_patient_in_three_scripts():
    order = STUDIES["hospital-a"][0]

    assert order.alphabetic == "TAKAHASHI^KIICHIRO"
    assert order.ideographic == "高橋^喜一郎"
    assert order.phonetic == "タカハシ^キイチロウ"
    assert order.issuer == "urn:oid:1.2.392.100495.20.3.51.10119900017"
    assert order.patient_id == REGION.person("kiichiro").at("hospital-a").number


def test_a_site_that_knows_the_kana_only_writes_no_kanji():
    order = next(order for order in STUDIES["hospital-b"] if order.phonetic == "タカハシ^スミコ")

    assert order.ideographic == ""


def test_slices_follow_from_the_modality():
    counts = {(order.modality, order.slices) for order in EVERY}

    assert counts == {("CT", 12), ("MR", 10), ("CR", 1), ("CR", 2)}


def test_accession_numbers_and_seeds_are_unique_and_fit():
    assert len({order.accession for order in EVERY}) == len(EVERY)
    assert len({order.seed for order in EVERY}) == len(EVERY)
    assert max(len(order.accession) for order in EVERY) <= 16
    assert all(0 <= order.seed < 2**31 for order in EVERY)


def test_studies_lie_in_the_last_four_years():
    assert min(order.study_date for order in EVERY) >= date(2022, 4, 1)
    assert max(order.study_date for order in EVERY) < date(2026, 4, 1)


def test_the_same_seed_orders_the_same():
    assert list(studies(region(), "hospital-b")) == STUDIES["hospital-b"]


def test_an_unknown_site_is_a_key_error():
    with pytest.raises(KeyError):
        list(studies(REGION, "nowhere"))
