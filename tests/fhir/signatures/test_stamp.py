"""Time stamps of OpenSSL upon signatures: XAdES-T and `sigTst` of JAdES. They prove when a signature was there."""

import base64
import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from fhir.signatures.canonical import document_form
from fhir.signatures.chain import Trust
from fhir.signatures.check import check_data, check_document
from fhir.signatures.stamp import token_of
from fhir.signatures.verdict import State
from tests.signers import DSIG, NOW, XADES, a_signer, openssl_jws, region, xml_template, xmlsec
from tests.time_authority import Authority

BODY = b'{"resourceType":"Bundle","type":"document","entry":[]}'
LATER = NOW + timedelta(days=200)
"""Past the end of the certificate below."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("tsa") / "tsa")
    made.create()
    return made


def a_token(authority: Authority, content: bytes) -> bytes:
    """Return what OpenSSL stamps."""
    (authority.folder / "content").write_bytes(content)
    command = ["openssl", "ts", "-query", "-data", "content", "-sha256", "-cert", "-out", "asked"]
    subprocess.run(command, cwd=authority.folder, check=True, capture_output=True)
    return token_of(authority.answer((authority.folder / "asked").read_bytes()))


def trusting(authority: Authority) -> Trust:
    roots = x509.load_pem_x509_certificates(authority.root.read_bytes())
    return Trust(anchors=(region().root.certificate,), stamps=tuple(roots))


def stamped_jws(compact: str, *tokens: bytes, clear: bool = True) -> bytes:
    protected, _, value = compact.split(".")
    stamps = {"sigTst": {"tstTokens": [{"val": base64.b64encode(one).decode()} for one in tokens]}}
    hidden = base64.urlsafe_b64encode(json.dumps(stamps).encode()).decode().rstrip("=")
    whole = {"protected": protected, "header": {"etsiU": [stamps if clear else hidden]}, "signature": value}
    return json.dumps(whole).encode()


def is_of_now(stamped: str) -> bool:
    """Return whether a stamp is of this run, which may go over midnight."""
    return timedelta(0) <= datetime.fromisoformat(stamped) - NOW < timedelta(hours=3)


def test_a_stamp_proves_that_the_certificate_was_good(authority: Authority, tmp_path: Path) -> None:
    signer = a_signer(region().below, until=timedelta(days=100))
    made = openssl_jws(signer, document_form(BODY), tmp_path)
    token = a_token(authority, made.rpartition(".")[2].encode())
    trust = trusting(authority)

    alone = check_data(made.encode(), BODY, trust, LATER)
    found = check_data(stamped_jws(made, token), BODY, trust, LATER)
    encoded = check_data(stamped_jws(made, token, clear=False), BODY, trust, LATER)

    assert (alone.state, alone.reason) == (State.UNTRUSTED, "expired")
    assert (found.state, is_of_now(found.stamped)) == (State.VALID, True)
    assert encoded == found


def test_a_stamp_of_something_else_spoils_the_signature(authority: Authority, tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, document_form(BODY), tmp_path)

    other = check_data(stamped_jws(made, a_token(authority, b"else")), BODY, trusting(authority), NOW)
    garbage = check_data(stamped_jws(made, b"\x30\x03\x02\x01\x00"), BODY, trusting(authority), NOW)

    assert [(one.state, one.reason) for one in (other, garbage)] == [(State.INVALID, "stamp")] * 2


def test_a_stamp_of_an_authority_that_nobody_trusts_proves_nothing(authority: Authority, tmp_path: Path) -> None:
    signer = a_signer(region().below, until=timedelta(days=100))
    made = openssl_jws(signer, document_form(BODY), tmp_path)
    whole = stamped_jws(made, a_token(authority, made.rpartition(".")[2].encode()))

    now = check_data(whole, BODY, region().trust, NOW)
    later = check_data(whole, BODY, region().trust, LATER)

    assert (now.state, now.stamped) == (State.VALID, "")
    assert (later.state, later.reason) == (State.UNTRUSTED, "expired")


def test_a_stamp_of_xades_t(authority: Authority, tmp_path: Path) -> None:
    signer = a_signer(region().below, until=timedelta(days=100))
    document = xmlsec(signer, f"<a>{xml_template(holder=signer)}</a>", tmp_path)
    root = etree.fromstring(document)
    value = root.find(f".//{{{DSIG}}}SignatureValue")
    assert value is not None
    token = base64.b64encode(a_token(authority, etree.tostring(value, method="c14n"))).decode()
    qualifying = root.find(f".//{{{XADES}}}QualifyingProperties")
    assert qualifying is not None
    unsigned = (
        f'<xades:UnsignedProperties xmlns:xades="{XADES}"><xades:UnsignedSignatureProperties>'
        f"<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>{token}</xades:EncapsulatedTimeStamp>"
        "</xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )
    qualifying.append(etree.fromstring(unsigned))

    (alone,) = check_document(document, trusting(authority), LATER)
    (found,) = check_document(etree.tostring(root), trusting(authority), LATER)

    assert (alone.state, alone.reason) == (State.UNTRUSTED, "expired")
    assert (found.state, is_of_now(found.stamped)) == (State.VALID, True)
