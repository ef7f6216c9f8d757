import hashlib
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from app.demo.records import directory, transactions
from app.demo.region import region

REGION = region()
BUNDLES = {site.slug: list(transactions(REGION, site.slug)) for site in REGION.sites}
EVERY = [bundle for bundles in BUNDLES.values() for bundle in bundles]
URN = re.compile(r'"(urn:uuid:[0-9a-f-]{36})"')


def test_the_whole_load_is_small_and_no_transaction_is_large():
    sizes = [len(bundle["entry"]) for bundle in EVERY]

    assert 5_000 < sum(sizes) < 5_600
    assert 20 < min(sizes) < max(sizes) < 200


def test_each_patient_of_a_site_has_one_transaction():
    for slug, bundles in BUNDLES.items():
        numbers = [bundle["entry"][0]["resource"]["identifier"][0]["value"] for bundle in bundles]

        assert numbers == [patient.number for patient in REGION.patients(slug)]


def test_a_transaction_begins_with_the_patient_and_only_creates():
    for bundle in EVERY:
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
        kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        assert kinds[0] == "Patient"
        assert kinds.count("Patient") == 1
        assert [entry["request"] for entry in bundle["entry"]] == [{"method": "POST", "url": kind} for kind in kinds]


def test_every_reference_is_of_an_entry_of_the_same_transaction():
    for bundle in EVERY:
        urls = [entry["fullUrl"] for entry in bundle["entry"]]

        assert len(set(urls)) == len(urls)
        assert set(URN.findall(json.dumps(bundle))) == set(urls)
        assert not re.search(r'"reference": "(?!urn:uuid:)', json.dumps(bundle))


def test_no_two_resources_share_an_identifier_within_their_type():
    seen = set()
    for bundle in EVERY:
        for entry in bundle["entry"]:
            for found in entry["resource"].get("identifier", []):
                if "resourceInstance" in found["system"]:
                    key = (entry["resource"]["resourceType"], found["value"])
                    assert key not in seen
                    seen.add(key)
    assert len(seen) > 5_000


def test_nothing_happens_today_or_later_or_before_four_years_ago():
    days = re.compile(r'"(?:effectiveDateTime|authoredOn|issued|occurrenceDateTime|start)": "(\d{4}-\d\d-\d\d)')
    found = [date.fromisoformat(day) for day in days.findall(json.dumps(EVERY))]

    assert len(found) > 4_000
    assert min(found) >= date(2022, 4, 1)
    assert max(found) < date(2026, 4, 1)


def test_nothing_happens_to_anybody_before_their_birth():
    days = re.compile(r'"(?:effectiveDateTime|authoredOn|onsetDateTime|occurrenceDateTime)": "(\d{4}-\d\d-\d\d)')
    for bundle in EVERY:
        assert min(days.findall(json.dumps(bundle))) >= bundle["entry"][0]["resource"]["birthDate"]


def test_an_office_has_no_records():
    assert BUNDLES["secretariat"] == BUNDLES["audit-office"] == []


def test_an_unknown_site_is_a_key_error():
    with pytest.raises(KeyError):
        list(transactions(REGION, "nowhere"))


def test_another_process_writes_the_same_bytes():
    script = """
import hashlib, json
from app.demo.documents import documents
from app.demo.imaging import studies
from app.demo.records import directory, transactions
from app.demo.region import region
found = region()
text = json.dumps([
    [directory(found, slug), *transactions(found, slug), *documents(found, slug)]
    + [repr(order) for order in studies(found, slug)]
    for slug in [site.slug for site in found.sites]
])
print(hashlib.sha256(text.encode()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            cwd=Path(__file__).resolve().parents[3],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_another_seed_gives_other_records():
    first = next(transactions(region(1), "clinic-c"))

    assert first != BUNDLES["clinic-c"][0]
    assert {entry["fullUrl"] for entry in first["entry"]}.isdisjoint(
        entry["fullUrl"] for entry in BUNDLES["clinic-c"][0]["entry"]
    )


def test_a_later_today_moves_the_records():
    later = json.dumps(list(transactions(region(today=date(2027, 4, 1)), "clinic-c")))

    assert '"authoredOn": "2027-0' in later


def test_a_directory_is_a_site_its_licensed_staff_and_their_roles():
    found = directory(REGION, "hospital-b")

    kinds = [entry["resource"]["resourceType"] for entry in found["entry"]]
    assert kinds == ["Organization", *["Practitioner", "PractitionerRole"] * 7]
    assert found["entry"][0]["request"] == {
        "method": "POST",
        "url": "Organization",
        "ifNoneExist": "identifier=http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no|0119900025",
    }
    urls = {entry["fullUrl"] for entry in found["entry"]}
    assert set(URN.findall(json.dumps(found))) == urls


def test_the_directory_of_an_office_is_the_office():
    assert [entry["resource"]["name"] for entry in directory(REGION, "audit-office")["entry"]] == [
        "北緑医療圏 医療情報監査室"
    ]


def test_every_resource_of_a_record_is_of_its_patient():
    for bundle in EVERY:
        patient = bundle["entry"][0]["fullUrl"]
        for entry in bundle["entry"][1:]:
            resource = entry["resource"]
            owner = resource.get("subject") or resource.get("patient") or resource.get("beneficiary")
            if resource["resourceType"] == "Binary":
                assert resource["securityContext"]["reference"].startswith("urn:uuid:")
            else:
                assert owner["reference"] == patient
