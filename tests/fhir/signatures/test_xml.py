"""XML signatures of xmlsec1, with and without XAdES; wrapped, moved, commented, and with what leads elsewhere."""

import random
import re
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from fhir.signatures import xml_tree
from fhir.signatures.canonical import BYTES
from fhir.signatures.check import check_content, check_data, check_document
from fhir.signatures.fhir_xml import CANONICAL
from fhir.signatures.verdict import State, Verdict
from fhir.xml.to_json import to_json
from tests.signers import DSIG, NOW, Holder, a_signer, region, xml_template, xmlsec

ENVELOPED = f"{DSIG}enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"

CDA = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{id}>'
    "<!-- made up --><title>referral</title>\n  <component xsi:type='x'>a &amp; b</component>{signature}\n"
    "</ClinicalDocument>"
)


def a_cda(signature: str = "", id_: str = "") -> str:
    return CDA.format(signature=signature, id=f' ID="{id_}"' if id_ else "")


def checked(document: bytes) -> list[Verdict]:
    return list(check_document(document, region().trust, NOW))


def told(document: bytes) -> list[tuple[State, str]]:
    return [(one.state, one.reason) for one in checked(document)]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A document that the doctor has signed by XAdES."""
    return xmlsec(region().doctor, a_cda(xml_template(holder=region().doctor)), tmp_path_factory.mktemp("xml"))


@pytest.fixture(scope="module")
def signed_by_id(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A document whose signature names the root by its id."""
    template = xml_template(uri="#doc").replace("ID=", "Id=")
    return _by_id(region().doctor, a_cda(template, "doc"), tmp_path_factory.mktemp("xml"))


def _by_id(holder: Holder, document: str, folder: Path) -> bytes:
    # xmlsec1 knows ids by --id-attr:Id alone.
    made = xmlsec(holder, document.replace(' ID="', ' Id="'), folder, "urn:hl7-org:v3:ClinicalDocument")
    assert b' Id="doc"' in made
    return made


def test_xades_says_who_when_and_what(signed: bytes) -> None:
    (found,) = checked(signed)

    assert (found.state, found.reason) == (State.VALID, "")
    assert (found.signer, found.roles, found.anchor) == ("山田 太郎", ("Medical Doctor",), "HPKI root")
    assert (found.claimed, found.algorithm, found.form) == ("2026-11-20T09:00:00+09:00", "ES256", "xml")


@pytest.mark.parametrize(
    ("method", "digest", "way"),
    [
        (f"{MORE}rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", EXCLUSIVE),
        (f"{MORE}rsa-sha384", f"{MORE}sha384", INCLUSIVE),
        (f"{MORE}rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512", "http://www.w3.org/2006/12/xml-c14n11"),
        (f"{MORE}rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", f"{EXCLUSIVE}WithComments"),
        (f"{MORE}rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", ""),
    ],
)
def test_every_digest_and_way_of_writing(tmp_path: Path, method: str, digest: str, way: str) -> None:
    transforms = (ENVELOPED, way) if way else (ENVELOPED,)
    template = xml_template(method=method, digest=digest, transforms=transforms)

    assert told(xmlsec(region().pharmacist, a_cda(template), tmp_path)) == [(State.VALID, "")]


def test_the_root_may_be_named_by_its_id(signed_by_id: bytes) -> None:
    assert told(signed_by_id) == [(State.VALID, "")]


def test_a_signature_that_envelops_its_document(tmp_path: Path) -> None:
    inner = f'<ds:Object Id="object">{a_cda()}</ds:Object>'
    template = xml_template(uri="#object", transforms=(EXCLUSIVE,), objects=inner)

    made = xmlsec(region().doctor, template, tmp_path, f"{DSIG}:Object")

    assert told(made) == [(State.VALID, "")]
    assert told(made.replace(b"referral", b"reversal")) == [(State.INVALID, "content")]
    beside = b'<ds:Object Id="other"><b/></ds:Object><ds:Object Id="object">'
    assert told(made.replace(b'<ds:Object Id="object">', beside)) == [(State.INVALID, "part")]


def test_every_word_is_signed(signed: bytes) -> None:
    assert told(signed.replace(b"referral", b"reversal")) == [(State.INVALID, "content")]
    assert told(signed.replace(b"a &amp; b", b"a &amp;  b")) == [(State.INVALID, "content")]
    assert told(signed.replace(b"2026-11-20", b"2026-11-21")) == [(State.INVALID, "content")]


def test_a_comment_parts_no_text(signed: bytes) -> None:
    # Comments are no part of what is signed: whoever reads the text must read over them.
    assert told(signed.replace(b"referral", b"refer<!-- x -->ral")) == [(State.VALID, "")]
    for name in (b"ds:SignatureValue>", b"ds:DigestValue>", b"ds:X509Certificate>"):
        assert told(signed.replace(name, name + b"<!-- x -->", 1))[0][0] is State.INVALID, name


def test_two_signatures_are_two_answers(signed: bytes, tmp_path: Path) -> None:
    other = b"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>"

    assert len(told(signed.replace(b"</ClinicalDocument>", other + b"</ClinicalDocument>"))) == 2


def _parts(document: bytes) -> tuple[str, str]:
    """Return the signature of a document, and the document without it."""
    text = re.sub(r"^<\?xml[^>]*\?>\s*", "", document.decode())
    found = re.search(r"<ds:Signature .*?</ds:Signature>", text, re.DOTALL)
    assert found is not None
    return found[0], text.replace(found[0], "")


def _wrapped(signed_by_id: bytes) -> list[str]:
    """Return what attackers make of a document whose signature names it by its id."""
    signature, original = _parts(signed_by_id)
    evil = original.replace("referral", "EVIL")
    end = "</ClinicalDocument>"
    inner_object = signature.replace("</ds:Signature>", f"<ds:Object>{original}</ds:Object></ds:Signature>")
    other_id = evil.replace('Id="doc"', 'Id="other"')
    no_id = evil.replace(' Id="doc"', "")
    return [
        # The original beside, below, within the signature, and around; with the same id, another, or none.
        *(one.replace(end, signature + original + end) for one in (evil, other_id, no_id)),
        *(one.replace(end, original + signature + end) for one in (evil, other_id, no_id)),
        *(one.replace(end, inner_object + end) for one in (evil, other_id, no_id)),
        *(
            one.replace(end, f"<wrapper>{original.replace(end, signature + end)}</wrapper>{end}")
            for one in (evil, other_id, no_id)
        ),
        original.replace(end, signature + evil + end),
        f"<wrapper>{other_id}{original.replace(end, signature + end)}</wrapper>",
        signature.replace(
            "</ds:Signature>", f"<ds:Object>{original}</ds:Object><ds:Object>{other_id}</ds:Object></ds:Signature>"
        ),
    ]


def test_e7_what_is_signed_is_what_is_shown(signed_by_id: bytes) -> None:
    for attack in _wrapped(signed_by_id):
        assert [state for state, _ in told(attack.encode())] == [State.INVALID], attack


def test_e7_an_id_that_two_elements_have_is_nobodys(signed_by_id: bytes) -> None:
    for name in ("Id", "ID", "id", "xml:id"):
        made = signed_by_id.replace(b"<title>", f'<title {name}="doc">'.encode())
        assert told(made) == [(State.INVALID, "id")], name


def test_a_pointer_is_not_followed(tmp_path: Path) -> None:
    made = xmlsec(region().doctor, a_cda(xml_template(uri="#xpointer(/)")), tmp_path)

    assert told(made) == [(State.UNCHECKED, "format")]


def test_e7_a_part_is_not_the_document(tmp_path: Path) -> None:
    part = '<ds:Object Id="part"><note xmlns="">harmless</note></ds:Object>'
    template = xml_template(uri="#part", transforms=(EXCLUSIVE,), objects=part)

    made = xmlsec(region().doctor, a_cda(template), tmp_path, f"{DSIG}:Object")

    assert told(made) == [(State.INVALID, "part")]


def test_e7_properties_that_are_not_signed_say_nothing(signed: bytes, tmp_path: Path) -> None:
    plain = xmlsec(region().doctor, a_cda(xml_template()), tmp_path)
    (properties,) = re.findall(rb"<ds:Object><xades.*</ds:Object>", signed, re.DOTALL)

    moved = plain.replace(b"</ds:Signature>", properties + b"</ds:Signature>")

    assert told(moved) == [(State.INVALID, "part")]
    other = signed.replace(b'Target="#sig"', b'Target="#another"')
    assert told(other) == [(State.INVALID, "part")]


def test_another_certificate_than_the_signed_one_is_noticed(signed: bytes) -> None:
    theirs = region().doctor.x5c[0].encode()
    twin = a_signer(region().below, "mallory").x5c[0].encode()
    text = signed.replace(b"\n", b"")
    found = re.findall(rb"<ds:X509Certificate>(.*?)</ds:X509Certificate>", text)

    assert theirs in found
    assert told(text.replace(theirs, twin)) == [(State.INVALID, "certificate")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("#sha256", "#sha1", (State.UNCHECKED, "weak")),
        (f"{MORE}ecdsa-sha256", f"{DSIG}rsa-sha1", (State.UNCHECKED, "weak")),
        (f"{MORE}ecdsa-sha256", f"{MORE}hmac-sha256", (State.INVALID, "algorithm")),
        (f"{MORE}ecdsa-sha256", "http://example.org/none", (State.INVALID, "algorithm")),
        (f"{MORE}ecdsa-sha256", f"{MORE}rsa-sha256", (State.INVALID, "key")),
        (f"{MORE}ecdsa-sha256", f"{MORE}ecdsa-sha384", (State.INVALID, "value")),
    ],
)
def test_an_algorithm_that_is_weak_or_none(signed: bytes, old: str, new: str, expected: tuple[State, str]) -> None:
    changed = signed.replace(
        f'SignatureMethod Algorithm="{old}"'.encode(), f'SignatureMethod Algorithm="{new}"'.encode()
    )
    if old == "#sha256":
        changed = signed.replace(b"http://www.w3.org/2001/04/xmlenc#sha256", f"{DSIG}sha1".encode())

    assert told(changed) == [expected]


def test_nothing_outside_is_fetched_and_no_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere.xml").write_text("<a/>")
    outside = xml_template(uri="elsewhere.xml", transforms=(EXCLUSIVE,))
    # xmlsec1 fetches it from its folder to sign it.
    made = xmlsec(region().doctor, a_cda(outside), tmp_path)
    xslt = "http://www.w3.org/TR/1999/REC-xslt-19991116"

    def connect(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.chdir(tmp_path)

    assert told(made) == [(State.UNCHECKED, "elsewhere")]
    for address in (b"http://127.0.0.1:9/x", b"file:///etc/passwd", b"//host/x"):
        assert told(made.replace(b'URI="elsewhere.xml"', b'URI="' + address + b'"')) == [(State.INVALID, "value")]
    assert _resigned(tmp_path, xslt) == [(State.UNCHECKED, "format")]


def _resigned(folder: Path, transform: str) -> list[tuple[State, str]]:
    """Return what is said of a signature with a transform that xmlsec1 would not make: its value is made here."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key = region().pharmacist.key
    made = xmlsec(region().pharmacist, a_cda(xml_template(method=f"{MORE}rsa-sha256")), folder)
    root = etree.fromstring(made.replace(EXCLUSIVE.encode() + b'"/></ds:T', transform.encode() + b'"/></ds:T'))
    info = root.find(f".//{{{DSIG}}}SignedInfo")
    value = key.sign(etree.tostring(info, method="c14n", exclusive=True), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg, union-attr]
    import base64

    root.find(f".//{{{DSIG}}}SignatureValue").text = base64.b64encode(value).decode()
    return told(etree.tostring(root))


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY e "x">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_g2_no_document_type_is_read(signed: bytes, head: str) -> None:
    text = re.sub(rb"^<\?xml[^>]*\?>\s*", b"", signed)

    assert told(head.encode() + text) == [(State.INVALID, "malformed")]


def test_what_is_too_large_is_not_looked_at(signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_tree, "MOST_BYTES", len(signed) - 1)

    assert told(signed) == [(State.UNCHECKED, "size")]


def test_many_signatures_are_not_looked_at(signed: bytes) -> None:
    one = b"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>"

    assert told(signed.replace(b"</ClinicalDocument>", one * 11 + b"</ClinicalDocument>")) == [
        (State.UNCHECKED, "size")
    ]


def test_the_signature_may_be_expired_or_a_strangers(tmp_path: Path) -> None:
    late = a_signer(region().below, until=timedelta(days=-1))
    holders = [late, region().stranger]

    found = [told(xmlsec(one, a_cda(xml_template(holder=one)), tmp_path))[0] for one in holders]

    assert found == [(State.UNTRUSTED, "expired"), (State.UNTRUSTED, "anchor")]


FHIR = (
    '<Bundle xmlns="http://hl7.org/fhir">\n  <id value="x"/>\n  <type value="document"/>\n  <entry><resource>'
    '<Observation><status value="final"/><code><text value="a"/></code>\n</Observation></resource></entry>\n</Bundle>'
)
CANONICAL_FHIR = (
    '<Bundle xmlns="http://hl7.org/fhir"><type value="document"></type><entry><resource>'
    '<Observation><status value="final"></status><code><text value="a"></text></code></Observation>'
    "</resource></entry></Bundle>"
)


def test_an_xml_signature_of_a_fhir_bundle(tmp_path: Path) -> None:
    (tmp_path / "content.xml").write_text(CANONICAL_FHIR)
    made = xmlsec(region().doctor, xml_template(uri="content.xml", transforms=(INCLUSIVE,)), tmp_path)
    body = to_json(FHIR.encode()).body

    found = check_data(made, body, region().trust, NOW, received=FHIR.encode())
    of_json = check_data(made, body, region().trust, NOW)
    altered = check_data(made, body.replace(b"final", b"amended"), region().trust, NOW)

    assert (found.state, found.form) == (State.VALID, f"{CANONICAL}#document")
    assert (of_json.state, altered.state, altered.reason) == (State.VALID, State.INVALID, "content")


def test_e7_what_a_signature_beside_the_content_envelops_is_not_the_content(tmp_path: Path) -> None:
    inner = f'<ds:Object Id="object">{a_cda()}</ds:Object>'
    template = xml_template(uri="#object", transforms=(EXCLUSIVE,), objects=inner)
    made = xmlsec(region().doctor, template, tmp_path, f"{DSIG}:Object")

    found = check_content(made, [(BYTES, b"<other/>")], region().trust, NOW)

    assert (found.state, found.reason) == (State.INVALID, "part")


def _shown(document: bytes) -> str:
    root = etree.fromstring(document)
    for one in root.findall(f"{{{DSIG}}}Signature"):
        root.remove(one)
    return etree.tostring(root, method="c14n", with_comments=False).decode()


def test_whatever_is_changed_is_an_answer_and_what_is_shown_is_what_was_signed(signed: bytes) -> None:
    chance = random.Random(20261127)
    for _ in range(300):
        at = chance.randrange(len(signed) - 1)
        changed = signed[:at] + bytes((chance.randrange(256),)) * chance.randrange(3) + signed[at + 1 :]
        if State.VALID in (one.state for one in checked(changed)):
            assert _shown(changed) == _shown(signed), changed
