"""Real documents are taken apart; data: jp/examples, dicom, fhir/hl7.fhir.uv.ips-1.1.0.tgz."""

import os
import pathlib
import tarfile
from collections import Counter

import pytest

from fhir.documents.split import split
from fhir.envelope import read_bundle
from fhir.resolve import resolve_internal
from fhir.resource import parse
from fhir.splice import splice
from fhir.undo import original

DATA = pathlib.Path(
    os.environ.get("RENKEI_SPEC_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data"
)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the published examples are not on this machine")
REFERRAL = DATA / "jp/examples/Bundle-Bundle-CLINS-Referral-Example-01.json"
OBSERVATIONS = DATA / "jp/examples/Bundle-Bundle-CLINS-Observations-Example-01.json"
MANIFEST = DATA / "dicom/mado-102-bundle.json"


def ips(name: str) -> bytes:
    with tarfile.open(DATA / "fhir/hl7.fhir.uv.ips-1.1.0.tgz") as package:
        return package.extractfile(f"package/example/{name}.json").read()


def test_a_referral_is_taken_apart():
    extract = split(read_bundle(REFERRAL.read_bytes()))

    assert Counter(entry.type for entry in extract.resources) == {
        "Composition": 1,
        "Patient": 1,
        "Encounter": 2,
        "Practitioner": 2,
        "Organization": 2,
        "Condition": 5,
        "AllergyIntolerance": 3,
        "Observation": 1,
        "DocumentReference": 1,
    }
    assert extract.patient.full_url == "urn:uuid:0a48a4bf-0d87-4efb-aafd-d45e0842a4dd"
    assert extract.identifier == {
        "system": "http://jpfhir.jp/fhir/clins/bundle-identifier",
        "value": "1318814790^2024^0123-Referral-203949583949",
    }
    assert extract.composition["title"] == "診療情報提供書"
    assert extract.resources[-1].type == "Composition"
    assert extract.issues == ()


def test_a_collection_of_results_is_taken_apart():
    extract = split(read_bundle(OBSERVATIONS.read_bytes()))

    assert [entry.type for entry in extract.resources] == ["Patient"] + 4 * ["Observation"]
    assert extract.patient.full_url == "urn:uuid:b76ef6f6-f6e3-c110-5039-eee64ef6ab6a"
    assert extract.composition is None
    assert extract.issues == ()


def test_a_manifest_of_images_is_taken_apart():
    extract = split(read_bundle(MANIFEST.read_bytes()))

    assert [entry.type for entry in extract.resources] == [
        "Patient",
        "Organization",
        "Device",
        "ServiceRequest",
        "Endpoint",
        "ImagingStudy",
        "Composition",
    ]
    assert extract.issues == ()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Bundle-IPS-examples-Bundle-01", 20),
        ("Bundle-IPS-examples-Bundle-with-immunization", 21),
        ("Bundle-bundle-minimal", 8),
        ("Bundle-bundle-no-info-required-sections", 11),
    ],
)
def test_published_summaries_are_taken_apart(name, count):
    extract = split(read_bundle(ips(name)))

    assert len(extract.resources) == count
    assert extract.issues == ()


@pytest.mark.parametrize(
    "read",
    [REFERRAL.read_bytes, MANIFEST.read_bytes, lambda: ips("Bundle-IPS-examples-Bundle-01")],
    ids=["referral", "manifest", "ips"],
)
def test_what_is_stored_refers_only_to_what_is_stored(read):
    body = read()
    resources = split(read_bundle(body)).resources
    assigned = [f"{entry.type}/n{number}" for number, entry in enumerate(resources)]

    for number, links in enumerate(resolve_internal(resources, assigned, by_id=True).links):
        sent = resources[number].resource
        made = splice(
            sent,
            parse(sent),
            id=f"n{number}",
            version=1,
            last_updated="2024-05-01T09:00:00Z",
            references=links,
        )
        stored = list(found(parse(made.body)))
        assert sent in body
        assert original(made.body, made.undo) == sent
        # Each link leads to a contained resource or to one that was stored before.
        assert [link for link in stored if link[0] != "#" and link not in assigned[:number]] == []


def found(tree):
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "reference" and isinstance(value, str):
                yield value
            yield from found(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from found(item)


def test_a_referral_with_a_broken_link_says_where():
    body = REFERRAL.read_bytes().replace(b'"fullUrl": "urn:uuid:7cad1f19', b'"fullUrl": "urn:uuid:00000000')

    issues = split(read_bundle(body)).issues

    assert [(issue.code, issue.expression) for issue in issues] == [
        ("not-found", "Bundle.entry[0].resource.encounter.reference"),
        ("not-found", "Bundle.entry[14].resource.encounter.reference"),
        ("not-found", "Bundle.entry[15].resource.encounter.reference"),
    ]
