"""A summary of a real record against IPS and fhir.resources; data: jp/examples, the IPS 1.1.0 package."""

import functools
import json
import os
import pathlib
import tarfile

import pytest

from fhir.documents.sections import SECTIONS
from fhir.documents.split import split
from fhir.documents.summary import body, summary
from fhir.envelope import read_bundle
from fhir.resource import parse

DATA = pathlib.Path(
    os.environ.get("RENKEI_SPEC_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data"
)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the published examples are not on this machine")
HUB = {"resourceType": "Organization", "id": "hub", "name": "地域連携センター"}


@functools.cache
def elements(name: str) -> dict:
    with tarfile.open(DATA / "fhir/hl7.fhir.uv.ips-1.1.0.tgz") as package:
        profile = json.load(package.extractfile(f"package/StructureDefinition-{name}-uv-ips.json"))
    return {element["id"]: element for element in profile["snapshot"]["element"]}


def code_of(element: str) -> str:
    return elements("Composition")[element]["patternCodeableConcept"]["coding"][0]["code"]


def ips_sections() -> dict:
    """Return the element id of each IPS section, by its LOINC code."""
    found = [at for at in elements("Composition") if at.startswith("Composition.section:") and at.count(".") == 1]
    return {code_of(f"{at}.code"): at for at in found}


@pytest.fixture
def stored() -> dict:
    """Return the resources of a real referral as they would be stored, by reference."""
    referral = DATA / "jp/examples/Bundle-Bundle-CLINS-Referral-Example-01.json"
    resources = split(read_bundle(referral.read_bytes())).resources
    urls = {entry.full_url: f"{entry.type}/{entry.id}" for entry in resources}
    made = {}
    for entry in resources:
        text = entry.resource
        for url, reference in urls.items():
            text = text.replace(url.encode(), reference.encode())
        made[f"{entry.type}/{entry.id}"] = text
    return made


@pytest.fixture
def made(stored) -> dict:
    records = {}
    for text in stored.values():
        resource = parse(text)
        records.setdefault(resource["resourceType"], []).append(resource)
    (patient,) = records["Patient"]
    return summary(patient, records, id="s1", now="2024-05-01T09:00:00+09:00", author=HUB)


def test_our_sections_are_sections_of_ips_with_its_codes_and_types():
    found = ips_sections()

    for section in SECTIONS:
        (reference,) = elements("Composition")[f"{found[section.code]}.entry"]["type"]
        assert set(section.types) <= {target.rpartition("/")[2] for target in reference["targetProfile"]}


def test_we_require_the_sections_that_ips_requires():
    required = {code for code, at in ips_sections().items() if elements("Composition")[at]["min"] == 1}

    assert required == {"11450-4", "48765-2", "10160-0"}
    assert required == {section.code for section in SECTIONS if section.required}


def test_the_summary_of_a_real_record_has_all_that_ips_requires(made):
    composition = made["entry"][0]["resource"]
    required = {
        at.partition(".")[2]
        for name in ("Bundle", "Composition")
        for at, element in elements(name).items()
        if at.count(".") == 1 and element["min"] >= 1 and ":" not in at
    }

    assert required == {
        *(
            "identifier",
            "type",
            "timestamp",
            "entry",
            "status",
            "subject",
            "date",
            "author",
            "title",
            "section",
        )
    }
    assert required <= made.keys() | composition.keys()
    assert composition["type"]["coding"][0]["code"] == code_of("Composition.type")
    assert made["type"] == elements("Bundle")["Bundle.type"]["fixedCode"]
    assert all({"title", "code", "text"} <= section.keys() for section in composition["section"])


def test_the_summary_of_a_real_record_holds_its_problems_and_allergies(made):
    sections = {section["title"]: section for section in made["entry"][0]["resource"]["section"]}

    assert {title: len(section.get("entry", [])) for title, section in sections.items()} == {
        "現在の病名・問題": 3,
        "アレルギー・不耐性": 3,
        "薬剤": 0,
        "検査結果": 1,
        "既往歴": 2,  # angina and a fracture, resolved
    }
    assert sections["薬剤"]["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_every_entry_of_a_section_is_in_the_bundle(made):
    urls = [entry["fullUrl"] for entry in made["entry"]]
    composition = made["entry"][0]["resource"]

    assert len(set(urls)) == len(urls)
    for section in composition["section"]:
        assert {entry["reference"] for entry in section.get("entry", [])} <= set(urls)


def test_the_body_of_a_real_summary_holds_the_stored_bytes(made, stored):
    text = body(made, stored)

    assert parse(text) == made
    assert text.count(b'"resourceType": "Condition"') == 5  # with the sender's space


def test_the_summary_can_be_taken_apart_again(made, stored):
    extract = split(read_bundle(body(made, stored)))

    assert extract.patient.type == "Patient"
    assert len(extract.resources) == len(made["entry"])
    assert extract.issues == ()


def test_fhir_resources_reads_the_summary(made):
    from fhir.resources.R4B.bundle import Bundle

    read = Bundle.model_validate(made)

    assert read.entry[0].resource.get_resource_type() == "Composition"
    assert len(read.entry) == len(made["entry"])
