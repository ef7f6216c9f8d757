"""JWS by OpenSSL and by joserfc, over what FHIR says that they are of; and what attackers make of them."""

import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from fhir.signatures.canonical import BYTES, CANONICAL, DOCUMENT, JCS, document_form, jcs
from fhir.signatures.check import check_content, check_data
from fhir.signatures.verdict import State, Verdict
from tests.signers import NOW, Holder, a_signer, base64url, openssl_jws, region

BODY = (
    b'{"resourceType":"Bundle","id":"sent","meta":{"lastUpdated":"2026-05-01T10:00:00Z"},"type":"document",'
    b'"entry":[{"resource":{"resourceType":"Observation","status":"final","code":{"text":"HbA1c \\u3042"},'
    b'"valueQuantity":{"value":6.30}}}]}'
)
SIGNATURE = {"type": [{"code": "a"}], "when": "2026-05-01T10:00:00Z", "who": {"display": "x"}, "data": "AAAA"}


def checked(data: str, body: bytes = BODY) -> Verdict:
    return check_data(data.encode(), body, region().trust, NOW)


def told(verdict: Verdict) -> tuple[State, str]:
    return verdict.state, verdict.reason


def by_joserfc(holder: Holder, payload: bytes, algorithm: str, **header: Any) -> str:
    """Return what another library signs."""
    kinds = {"E": ECKey, "R": RSAKey, "P": RSAKey, "H": OctKey}
    key = kinds[algorithm[0]].import_key(holder.key_pem)
    made = jws.serialize_compact({"alg": algorithm, "x5c": holder.x5c, **header}, payload, key, [algorithm])
    protected, _, value = made.split(".")
    return f"{protected}..{value}"


def test_a_signature_of_openssl_says_who_when_and_what(tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, document_form(BODY), tmp_path, sigT="2026-05-01T10:00:00Z")

    found = checked(made)

    assert told(found) == (State.VALID, "")
    assert (found.signer, found.organisation, found.roles) == ("山田 太郎", "市立病院", ("Medical Doctor",))
    assert (found.anchor, found.revocation, found.algorithm) == ("HPKI root", "unknown", "ES256")
    assert (found.form, found.claimed, found.stamped) == (DOCUMENT, "2026-05-01T10:00:00Z", "")


def test_a_signature_of_openssl_with_an_rsa_key(tmp_path: Path) -> None:
    found = checked(openssl_jws(region().pharmacist, document_form(BODY), tmp_path, detached=False))

    assert (told(found), found.algorithm, found.signer) == ((State.VALID, ""), "PS256", "鈴木 花子")


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS384", "PS512"])
def test_every_rsa_algorithm_of_another_library(algorithm: str) -> None:
    found = checked(by_joserfc(region().pharmacist, document_form(BODY), algorithm))

    assert (told(found), found.algorithm) == ((State.VALID, ""), algorithm)


@pytest.mark.parametrize(("kind", "algorithm"), [("ec384", "ES384"), ("ec521", "ES512")])
def test_every_curve_of_another_library(kind: str, algorithm: str) -> None:
    found = checked(by_joserfc(a_signer(region().below, kind=kind), document_form(BODY), algorithm))

    assert (told(found), found.algorithm) == ((State.VALID, ""), algorithm)


def _sorted(tree: Any) -> bytes:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_all_that_may_be_meant_by_the_canonical_form_is_tried(tmp_path: Path) -> None:
    signed = {**json.loads(BODY.replace(b"6.30", b"6.25")), "signature": SIGNATURE}
    bare = {name: value for name, value in signed.items() if name != "signature"}
    no_data = {**signed, "signature": {name: value for name, value in SIGNATURE.items() if name != "data"}}
    body = json.dumps(signed, indent=1).encode()

    forms = [
        checked(openssl_jws(region().doctor, content, tmp_path), body).form
        for content in (_sorted(bare), _sorted(no_data))
    ]

    assert forms == [CANONICAL, CANONICAL]


def test_the_numbers_of_rfc_8785_are_tried_as_well(tmp_path: Path) -> None:
    tree = json.loads(BODY)
    bare = {name: value for name, value in tree.items() if name not in ("id", "meta")}

    found = checked(openssl_jws(region().doctor, jcs(bare), tmp_path))

    assert b'"value":6.3}' in jcs(bare)
    assert (told(found), found.form) == ((State.VALID, ""), DOCUMENT + JCS)


def test_order_and_white_space_are_not_signed_but_every_value_is(tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, document_form(BODY), tmp_path)
    spaced = BODY.replace(b":", b" : ").replace(b"2026-05-01T10 : 00 : 00Z", b"2026-05-01T10:00:00Z")
    moved = b'{"type":"document",' + BODY[1:].replace(b'"type":"document",', b"")

    assert told(checked(made, spaced)) == (State.VALID, "")
    assert told(checked(made, moved)) == (State.VALID, "")
    assert told(checked(made, BODY.replace(b"6.30", b"6.31"))) == (State.INVALID, "content")
    assert told(checked(made, BODY.replace(b"6.30", b"6.300"))) == (State.INVALID, "content")
    assert told(checked(made, BODY.replace(b'"final"', b'"final","extra":1'))) == (State.INVALID, "content")
    # What servers write is not signed: http://hl7.org/fhir/canonicalization/json#document.
    assert told(checked(made, BODY.replace(b'"sent"', b'"kept"'))) == (State.VALID, "")


def test_a_payload_of_its_own_must_be_the_document(tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, b"something else", tmp_path, detached=False)

    assert told(checked(made)) == (State.INVALID, "content")


def test_bytes_are_signed_as_they_are(tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, b"%PDF-1.7", tmp_path).encode()

    found = [check_content(made, [(BYTES, one)], region().trust, NOW) for one in (b"%PDF-1.7", b"%PDF-1.8")]

    assert [told(one) for one in found] == [(State.VALID, ""), (State.INVALID, "content")]


def test_a_stranger_signs_well_and_is_nobody(tmp_path: Path) -> None:
    found = checked(openssl_jws(region().stranger, document_form(BODY), tmp_path))

    assert (told(found), found.signer) == ((State.UNTRUSTED, "anchor"), "mallory")


def test_e1_no_algorithm_is_none() -> None:
    for name in ("none", "None", "NONE", "HS256", "RS1", "ES256K", ["ES256"], None, 1):
        header = base64url(json.dumps({"alg": name, "x5c": region().doctor.x5c}).encode())
        assert told(checked(f"{header}..")) == (State.INVALID, "algorithm"), name


def test_e1_a_public_key_is_no_secret() -> None:
    public = region().pharmacist.key.public_key()
    kinds = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    secret = OctKey.import_key(base64url(public.public_bytes(*kinds)))
    header = {"alg": "HS256", "x5c": region().pharmacist.x5c}
    protected, _, value = jws.serialize_compact(header, document_form(BODY), secret, ["HS256"]).split(".")

    assert told(checked(f"{protected}..{value}")) == (State.INVALID, "algorithm")


def test_e1_no_key_is_taken_from_the_header_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket.socket, "connect", connect)
    own = ECKey.import_key(region().stranger.key_pem).as_dict(private=False)
    at = "http://127.0.0.1:9/key"
    headers: list[dict[str, Any]] = [{"jwk": own}, {"jku": at}, {"x5u": at}, {"kid": "../../etc/passwd"}]

    found = [checked(openssl_jws(region().stranger, document_form(BODY), tmp_path, x5c=None, **one)) for one in headers]

    assert [told(one) for one in found] == [(State.UNCHECKED, "signer")] * 4


def test_e1_another_certificate_in_front_is_noticed(tmp_path: Path) -> None:
    theirs = [*region().doctor.x5c]
    made = openssl_jws(region().stranger, document_form(BODY), tmp_path, x5c=theirs)

    assert told(checked(made)) == (State.INVALID, "content")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"crit": ["exp"]}, (State.UNCHECKED, "format")),
        ({"crit": "b64"}, (State.UNCHECKED, "format")),
        ({"x5t#S256": "AAAA"}, (State.INVALID, "certificate")),
        ({"x5c": ["AAAA"]}, (State.INVALID, "certificate")),
        ({"x5c": [1]}, (State.INVALID, "certificate")),
        ({"x5c": "AAAA"}, (State.UNCHECKED, "signer")),
        ({"x5c": ["AAAA"] * 11}, (State.UNCHECKED, "size")),
        ({"alg": "ES384"}, (State.INVALID, "key")),
        ({"alg": "RS256"}, (State.INVALID, "key")),
    ],
    ids=str,
)
def test_a_header_that_does_not_fit(tmp_path: Path, header: dict[str, Any], expected: tuple[State, str]) -> None:
    assert told(checked(openssl_jws(region().doctor, document_form(BODY), tmp_path, **header))) == expected


def test_a_short_rsa_key_is_none(tmp_path: Path) -> None:
    weak = a_signer(region().below, kind="rsa1024")

    assert told(checked(openssl_jws(weak, document_form(BODY), tmp_path))) == (State.INVALID, "key")


def test_a_name_that_stands_twice_is_refused() -> None:
    header = base64url(b'{"alg":"ES256","alg":"none"}')

    assert told(checked(f"{header}..AAAA")) == (State.INVALID, "malformed")


def test_unencoded_content_needs_to_be_critical(tmp_path: Path) -> None:
    # https://www.rfc-editor.org/rfc/rfc7797#section-6
    header = base64url(
        json.dumps({"alg": "PS256", "x5c": region().pharmacist.x5c, "b64": False, "crit": ["b64"]}).encode()
    )
    from fhir.signatures.algorithms import ALGORITHMS, sign

    value = base64url(sign(region().pharmacist.key, ALGORITHMS["PS256"], header.encode() + b"." + b"plain"))

    assert told(check_content(f"{header}..{value}".encode(), [(BYTES, b"plain")], region().trust, NOW)) == (
        State.VALID,
        "",
    )


def test_whatever_is_changed_in_a_signature_is_an_answer_and_never_valid(tmp_path: Path) -> None:
    made = openssl_jws(region().doctor, document_form(BODY), tmp_path).encode()
    chance = random.Random(20261127)
    for _ in range(300):
        at = chance.randrange(len(made) - 1)
        changed = made[:at] + bytes((chance.randrange(256),)) * chance.randrange(3) + made[at + 1 :]
        found = check_data(changed, BODY, region().trust, NOW)
        assert found.state in (State.INVALID, State.UNCHECKED) or changed == made, changed
