"""Whose certificate it is: anchors, ways to them, revocation lists, purposes."""

import base64
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fhir.signatures.chain import Anchored, Trust, anchored
from fhir.signatures.check import check_data
from fhir.signatures.hpki import roles
from fhir.signatures.verdict import Failed, State
from tests.signers import NOW, Holder, a_signer, an_authority, base64url, region, revoked


def told(signer: Holder, trust: Trust | None = None, at: datetime = NOW) -> Anchored | str:
    try:
        return anchored(signer.certificate, signer.chain, trust or region().trust, at)
    except Failed as failed:
        return failed.reason


def with_lists(*lists: bytes) -> Trust:
    return replace(region().trust, revoked=tuple(x509.load_pem_x509_crl(one) for one in lists))


def test_the_way_leads_over_what_the_document_brings_or_the_hub_has() -> None:
    alone = Holder(region().doctor.key, region().doctor.certificate)
    helped = replace(region().trust, between=(region().below.certificate,))

    assert told(region().doctor) == Anchored("HPKI root", "unknown")
    assert told(alone) == "anchor"
    assert told(alone, helped) == Anchored("HPKI root", "unknown")
    assert told(region().doctor, Trust(anchors=(region().below.certificate,))) == Anchored("HPKI signing", "unknown")


def test_another_root_of_the_same_name_is_another() -> None:
    twin = an_authority("HPKI root")

    assert told(a_signer(twin)) == "anchor"
    assert told(region().doctor, Trust(anchors=(twin.certificate,))) == "anchor"
    assert told(region().doctor, Trust()) == "anchor"


def test_who_has_a_certificate_issues_none() -> None:
    assert told(a_signer(region().pharmacist)) == "anchor"


def test_a_certificate_is_good_when_the_signature_comes() -> None:
    signer = a_signer(region().below)

    assert told(signer, at=NOW - timedelta(days=11)) == "expired"
    assert told(signer, at=NOW + timedelta(days=301)) == "expired"
    assert told(signer, at=NOW + timedelta(days=299)) == Anchored("HPKI root", "unknown")


def test_a_certificate_is_one_to_sign_with() -> None:
    assert told(a_signer(region().below, usage={"key_encipherment": True})) == "purpose"
    assert told(a_signer(region().below, is_authority=True)) == "purpose"
    assert told(a_signer(region().below, usage={"digital_signature": True})) == Anchored("HPKI root", "unknown")


def test_names_that_an_authority_may_not_issue() -> None:
    elsewhere = x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "US")])
    only = x509.NameConstraints([x509.DirectoryName(elsewhere)], None)
    below = an_authority("bound", region().root, constraints=only)

    assert told(a_signer(below)) == "anchor"


def test_who_was_revoked_is_no_signer_any_more() -> None:
    signer, other = a_signer(region().below), a_signer(region().below)
    lists = revoked(region().below, signer), revoked(region().root)

    assert told(signer, with_lists(*lists)) == "revoked"
    assert told(other, with_lists(*lists)) == Anchored("HPKI root", "good")
    assert told(signer, with_lists(*lists), NOW - timedelta(days=1, seconds=1)) == Anchored("HPKI root", "good")
    assert told(region().doctor, with_lists(revoked(region().root, region().below))) == "revoked"


def test_a_list_counts_when_its_authority_signed_it_and_while_it_is_fresh() -> None:
    signer = a_signer(region().below)
    forged = revoked(Holder(a_signer(region().below).key, region().below.certificate), signer)
    fresh = revoked(region().below), revoked(region().root)

    assert told(signer, with_lists(forged)) == Anchored("HPKI root", "unknown")
    assert told(signer, with_lists(revoked(region().below))) == Anchored("HPKI root", "unknown")
    assert told(signer, with_lists(*fresh), NOW + timedelta(days=31)) == Anchored("HPKI root", "stale")


@pytest.mark.parametrize("role", ["Medical Doctor", "General Nurse", "看護師"])
def test_the_role_of_hpki_is_read(role: str) -> None:
    assert roles(a_signer(region().below, role=role).certificate) == (role,)


def test_no_role_is_none_and_garbage_too() -> None:
    assert roles(region().stranger.certificate) == ()
    garbage = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.9"), b"\x30\x82\xff\xff" + b"\x30" * 50)
    key = region().doctor.key
    name = region().below.certificate.subject
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))

    assert roles(builder.add_extension(garbage, critical=False).sign(key, SHA256())) == ()


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_certificate_that_is_not_well_formed_is_an_answer() -> None:
    chance = random.Random(20261127)
    der = region().doctor.certificate.public_bytes(Encoding.DER)
    body = b'{"resourceType":"Bundle","type":"document"}'
    for _ in range(1000):
        at = chance.randrange(len(der))
        changed = der[:at] + bytes((chance.randrange(256),)) * chance.randrange(3) + der[at + 1 :]
        header = {"alg": "ES256", "x5c": [base64.b64encode(changed).decode()]}
        jws = f"{base64url(json.dumps(header).encode())}..AAAA"
        assert check_data(jws.encode(), body, region().trust, NOW).state is State.INVALID
