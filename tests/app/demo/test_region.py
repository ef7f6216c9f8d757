import re
from dataclasses import FrozenInstanceError
from datetime import date

import pytest

from app.demo.region import region

REGION = region()


def test_the_region_is_two_hospitals_three_clinics_and_two_offices():
    assert [(site.slug, site.kind) for site in REGION.sites] == [
        ("hospital-a", "hospital"),
        ("hospital-b", "hospital"),
        ("clinic-c", "clinic"),
        ("clinic-d", "clinic"),
        ("clinic-e", "clinic"),
        ("secretariat", "office"),
        ("audit-office", "office"),
    ]


def test_every_role_has_an_account():
    roles = {account.role for account in REGION.accounts}

    assert roles == {"doctor", "nurse", "pharmacist", "clerk", "secretariat", "auditor", "operator"}


def test_no_two_accounts_share_a_name():
    assert len({account.user for account in REGION.accounts}) == len(REGION.accounts)


def test_every_account_works_at_a_site_of_the_region():
    assert {account.site for account in REGION.accounts} == {site.slug for site in REGION.sites}


def test_every_place_of_care_has_a_system_client():
    assert [client.client_id for client in REGION.clients] == [
        "demo-hospital-a",
        "demo-hospital-b",
        "demo-clinic-c",
        "demo-clinic-d",
        "demo-clinic-e",
    ]


def test_institution_numbers_are_of_hokkaido_and_differ():
    numbers = [site.institution for site in REGION.sites]

    assert all(re.fullmatch(r"01[1-3]99[0-9]{5}", number) for number in numbers)
    assert len(set(numbers)) == 7


@pytest.mark.parametrize(
    ("site", "department", "user"),
    [
        ("hospital-a", "整形外科", "demo-ortho-a"),
        ("hospital-b", "小児科", "demo-pediatrics-b"),
        ("clinic-e", "整形外科", "demo-doctor-e"),
    ],
    ids=["of the department", "of another site's department", "the first where there is none"],
)
def test_a_department_has_its_doctor(site, department, user):
    assert REGION.doctor(site, department).user == user


@pytest.mark.parametrize("ask", [REGION.site, REGION.person, lambda slug: list(REGION.patients(slug))])
def test_an_unknown_slug_is_a_key_error(ask):
    with pytest.raises(KeyError):
        ask("nowhere")


def test_an_office_knows_no_patient():
    assert list(REGION.patients("audit-office")) == []


def test_a_region_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        REGION.seed = 1


def test_a_day_before_the_youngest_was_born_is_refused():
    with pytest.raises(ValueError, match="not born by 2025-11-19"):
        region(today=date(2025, 11, 19))


def test_the_same_seed_gives_an_equal_region():
    assert region(7) == region(7)
    assert region(7) != region(8)
