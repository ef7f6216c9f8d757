"""The value sets of published packages: each is listed, or it is said exactly what is missing."""

import json
from collections import Counter
from functools import cache

import pytest

from app.packages.archive import read_package
from fhir.operations.expand import Wanted, expand
from fhir.operations.translate import Wanted as ToTranslate
from fhir.operations.translate import translate
from fhir.profiles.definitions import Definition, Definitions
from fhir.spec.elements import codes, lines
from fhir.terminology.members import contains, distinct
from fhir.terminology.sources import Terminology, of_packages, parsed, published
from fhir.terminology.value_set import value_set
from tests.spec_data import SPEC_DATA

PACKAGES = {
    "jp-core": "jp/packages/jp-core.r4-1.1.2-url.tgz",
    "jp-clins": "jp/packages/jp-clins.r4-1.5.2-snap.tgz",
    "ips": "fhir/hl7.fhir.uv.ips-1.1.0.tgz",
    "mhd": "ihe/ihe.iti.mhd.tgz",
    "balp": "ihe/ihe.iti.balp.tgz",
}
SEPARATELY = "JLAC11/JP_CLINS_ObsLabResult"
"""Code systems that JP-CLINS refers to and publishes elsewhere."""


@cache
def terminology() -> tuple[Terminology, dict[str, list[str]]]:
    """Return the terminology of all packages, and the value sets of each."""
    found, value_sets = [], {}
    for name, path in PACKAGES.items():
        package = read_package(SPEC_DATA / path)
        found += [Definition(one.type, one.url, one.version, one.body.__bytes__) for one in package.resources]
        value_sets[name] = [one.url for one in package.resources if one.type == "ValueSet"]
    return of_packages(Definitions(found)), value_sets


@pytest.mark.parametrize(
    ("package", "listed", "unlisted", "total", "fragments"),
    [("jp-core", 24, 13, 2001, 8), ("jp-clins", 115, 107, 744, 0), ("ips", 32, 28, 8554, 0), ("mhd", 4, 0, 9, 0)],
)
def test_a_value_set_is_listed_or_says_why_not(
    package: str, listed: int, unlisted: int, total: int, fragments: int
) -> None:
    known, value_sets = terminology()
    made = {url: value_set(known, url) for url in value_sets[package]}

    can = {url: len(list(distinct(one))) for url, one in made.items() if not one.unlisted}
    cannot = [one.unlisted for one in made.values() if one.unlisted]

    assert (len(can), len(cannot), sum(can.values())) == (listed, unlisted, total)
    assert sum(one.is_open for one in made.values() if not one.unlisted) == fragments
    assert all("http" in reason or "urn:" in reason for reason in cannot)


def test_what_jp_clins_misses_is_what_it_does_not_bring() -> None:
    known, value_sets = terminology()

    reasons = Counter(value_set(known, url).unlisted for url in value_sets["jp-clins"])

    missing = {reason: count for reason, count in reasons.items() if reason}
    assert sum(count for reason, count in missing.items() if SEPARATELY in reason) == 104
    assert all(reason.endswith("is not known here") for reason in missing)


def test_two_codes_that_are_called_all_of_loinc_decide_nothing() -> None:
    known, _ = terminology()

    found = value_set(known, "http://hl7.org/fhir/uv/ips/ValueSet/results-radiology-observations-uv-ips")

    assert contains(found, "http://loinc.org", "24531-6") is None


def test_each_page_of_an_expansion_is_a_part_of_the_whole() -> None:
    known, value_sets = terminology()
    url = max(value_sets["jp-core"], key=lambda one: len(list(_listed(known, one))))
    resource, members = known.read("ValueSet", url) or {}, value_set(known, url)

    def page(**wanted: int) -> dict[str, object]:
        return dict(expand(resource, members, Wanted(**wanted), timestamp="", echoed=[])["expansion"])

    whole = page()
    pages = [page(offset=at, count=100) for at in range(0, int(str(whole["total"])), 100)]

    assert int(str(whole["total"])) > 500
    assert whole["contains"] == [one for part in pages for one in part["contains"]]  # type: ignore[attr-defined]


def _listed(known: Terminology, url: str) -> list[object]:
    members = value_set(known, url)
    return [] if members.unlisted else list(distinct(members))


def test_what_r4_binds_with_required_has_the_codes_that_every_resource_is_checked_by() -> None:
    known = Terminology((published(),))

    for url in lines("codes.json"):
        members = value_set(known, url)
        assert members.unlisted == ""
        found = {one.code for one in distinct(members) if contains(members, one.part.table.url, one.code)}
        assert found == codes(url), url


def test_value_sets_of_r4() -> None:
    known = Terminology((published(),))
    made = [value_set(known, one.url) for one in published().of_type("ValueSet")]

    assert (len(made), sum(1 for one in made if not one.unlisted)) == (1317, 1217)


def test_concept_maps_of_packages_and_of_r4_translate_what_they_name() -> None:
    known, _ = terminology()
    maps = known.concept_maps()

    translated = 0
    for source in known.sources:
        for definition in source.of_type("ConceptMap"):
            for group in parsed(definition).get("group", []):
                for element in (one for one in group["element"] if "code" in one):
                    asked = ToTranslate([(group.get("source", ""), element["code"])])
                    answer = json.dumps(translate(maps, asked, known.concept_map))
                    targets = [one for one in element.get("target", []) if "code" in one and "dependsOn" not in one]
                    assert all(json.dumps(one["code"]) in answer for one in targets), definition.url
                    translated += len(targets)
    assert len(maps) == 25
    assert translated == 327
