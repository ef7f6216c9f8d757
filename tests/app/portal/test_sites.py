from app.access.directory import Organisation
from app.portal.sites import Sites

HOSPITAL = Organisation(1, "hospital-a", "北緑中央総合病院", "hospital", "0119900017", "org-1")
OFFICE = Organisation(9, "secretariat", "事務局", "secretariat", "", "org-9")
SITES = Sites({1: HOSPITAL, 9: OFFICE})


def test_a_site_is_named_by_reference_number_or_slug() -> None:
    for name in ("Organization/org-1", "0119900017", "hospital-a"):
        assert SITES.named(name) == "北緑中央総合病院"


def test_what_the_region_does_not_know_keeps_its_name() -> None:
    assert SITES.named("Organization/elsewhere") == "Organization/elsewhere"
    assert (SITES.title(5), SITES.slug(5)) == ("5", "5")


def test_records_are_held_by_sites_of_care_alone() -> None:
    assert SITES.care == [HOSPITAL]


def test_a_colour_stays_with_its_site_and_begins_anew_after_eight() -> None:
    assert [SITES.colour(key) for key in (1, 8, 9)] == ["site-0", "site-7", "site-0"]
