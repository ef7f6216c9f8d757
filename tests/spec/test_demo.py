"""The demo region against what others call valid: R4's models, the JP Core and JP-CLINS packages."""

import json
import os
import re
import tarfile
from functools import cache
from pathlib import Path

import pytest

from app.demo.analytes import ANALYTES
from app.demo.documents import documents
from app.demo.records import directory, transactions
from app.demo.region import region

DATA = Path(os.environ.get("RENKEI_SPEC_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")
PACKAGES = ("jp-clins.r4-1.5.2-snap.tgz", "jp-core.r4-1.1.2-url.tgz")
REGION = region()
DOCUMENTS = [bundle for site in REGION.sites for _, bundle in documents(REGION, site.slug)]


@cache
def package(kind):
    """URL to resource, of all resources of a type in the Japanese packages."""
    found = {}
    for name in PACKAGES:
        with tarfile.open(DATA / "jp/packages" / name) as archive:
            for member in archive:
                if Path(member.name).name.startswith(kind):
                    resource = json.load(archive.extractfile(member))
                    found.setdefault(resource["url"], resource)
    return found


def one_of_each_story():
    told = {}
    for site in REGION.sites:
        for patient, bundle in zip(REGION.patients(site.slug), transactions(REGION, site.slug), strict=True):
            told.setdefault((REGION.person(patient.person).story, site.kind), bundle)
    return [*told.values(), *(directory(REGION, site.slug) for site in REGION.sites)]


def resources():
    for bundle in (*one_of_each_story(), *DOCUMENTS):
        yield from (entry["resource"] for entry in bundle["entry"])


def children(parents, name):
    choice = re.compile(re.escape(name[:-3]) + "[A-Z].*") if name.endswith("[x]") else None
    for parent in parents:
        for key, value in parent.items():
            if key == name or (choice and choice.fullmatch(key)):
                yield from value if isinstance(value, list) else [value]


def faults(resource, profile):
    """What of a profile's cardinalities and fixed values, outside slices, a resource does not keep."""
    for element in package("StructureDefinition")[profile]["snapshot"]["element"]:
        path = element["id"].split(".")[1:]
        if ":" in element["id"] or not path:
            continue
        parents = [resource]
        for step in path[:-1]:
            parents = [child for child in children(parents, step) if isinstance(child, dict)]
        for parent in parents:
            found = list(children([parent], path[-1]))
            most = float("inf") if element["max"] == "*" else int(element["max"])
            if not element["min"] <= len(found) <= most:
                yield f"{element['id']}: {len(found)} of {element['min']}..{element['max']}"
            for value in (value for key, value in element.items() if key.startswith("fixed")):
                yield from (f"{element['id']}: {one}, not {value}" for one in found if one != value)


def test_a_fault_is_found():
    found = list(
        faults({"resourceType": "Bundle"}, "http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_eReferral")
    )

    assert "Bundle.identifier: 0 of 1..1" in found


def test_every_claimed_profile_is_kept():
    claimed = set()
    for resource in (*resources(), *DOCUMENTS):
        for profile in resource.get("meta", {}).get("profile", []):
            claimed.add(profile.rsplit("/", 1)[1])
            assert list(faults(resource, profile)) == [], f"{profile} {resource.get('identifier')}"
    assert len(claimed) == 26


@pytest.mark.parametrize(
    ("profile", "title"),
    [
        ("http://jpfhir.jp/fhir/eReferral/StructureDefinition/JP_Composition_eReferral", "診療情報提供書"),
        (
            "http://jpfhir.jp/fhir/eDischargeSummary/StructureDefinition/JP_Composition_eDischargeSummary",
            "退院時サマリー",
        ),
    ],
)
def test_sections_are_named_as_their_profile_names_them(profile, title):
    slices = {}
    for element in package("StructureDefinition")[profile]["snapshot"]["element"]:
        owner, _, leaf = element["id"].rpartition("Section.")
        value = next((value for key, value in element.items() if key.startswith(("fixed", "pattern"))), None)
        if leaf in ("title", "code.coding.code", "code.coding.display") and value:
            slices.setdefault(owner, {})[leaf] = value
    named = {
        found["code.coding.code"]: (found["title"], found.get("code.coding.display"))
        for found in slices.values()
        if "code.coding.code" in found
    }

    seen = 0
    for bundle in DOCUMENTS:
        composition = bundle["entry"][0]["resource"]
        if composition["title"] != title:
            continue
        for outer in composition["section"]:
            for section in (outer, *outer.get("section", [])):
                coding = section["code"]["coding"][0]
                expected, display = named[coding["code"]]
                assert section["title"] == expected
                assert display in (None, coding["display"])
                seen += 1
    assert seen > 90


def test_every_resource_is_valid_r4():
    from fhir.resources.R4B import get_fhir_model_class

    seen = set()
    for resource in resources():
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        seen.add(resource["resourceType"])

    assert len(seen) == 16


def test_core_laboratory_codes_are_those_of_jp_clins():
    core = package("CodeSystem")["http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS"]
    codes = {group["code"]: {code["code"] for code in group["concept"]} for group in core["concept"]}

    for analyte in ANALYTES.values():
        assert analyte.core is None or analyte.jlac10 in codes[analyte.core]
