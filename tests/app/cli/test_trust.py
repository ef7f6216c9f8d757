import json
from pathlib import Path

from tests.app.cli.conftest import Renkei
from tests.signers import NOW, region, revoked, xml_template, xmlsec


def test_authorities_are_trusted_listed_and_removed(renkei: Renkei, tmp_path: Path) -> None:
    (tmp_path / "hpki.pem").write_bytes(region().root.pem + region().below.pem)
    (tmp_path / "list.crl").write_bytes(revoked(region().below))
    (tmp_path / "nothing.pem").write_bytes(b"nothing")

    added = renkei("trust", "add", str(tmp_path / "hpki.pem"))
    crl = renkei("trust", "add", str(tmp_path / "list.crl"), "--for", "revoked")
    refused = renkei("trust", "add", str(tmp_path / "nothing.pem"))
    listed = renkei("trust", "list")
    removed = renkei("trust", "remove", "documents/hpki.pem")
    again = renkei("trust", "remove", "documents/hpki.pem")

    ends = (region().root.certificate.not_valid_after_utc, region().below.certificate.not_valid_after_utc)
    lines = [
        f"documents/hpki.pem\t{name}\tuntil {end:%F}"
        for name, end in zip(("HPKI root", "HPKI signing"), ends, strict=True)
    ]
    assert added.output.splitlines() == lines
    assert crl.exit_code == 0, crl.output
    assert refused.exit_code == 1
    assert listed.output.splitlines()[:2] == lines
    assert listed.output.splitlines()[2].startswith("revoked/list.crl\tCN=HPKI signing")
    assert removed.output == "Removed documents/hpki.pem\n"
    assert again.exit_code == 1


def test_nobody_is_trusted_by_a_path(renkei: Renkei) -> None:
    for name in ("../keys/audit-master", "documents/../../x", "keys/audit-master", ""):
        assert renkei("trust", "remove", name).exit_code == 1, name


def test_signatures_can_be_looked_at_again(renkei: Renkei) -> None:
    assert renkei("trust", "recheck").output == "0 documents will be looked at\n"


def test_a_document_is_verified_without_a_hub(renkei: Renkei, tmp_path: Path) -> None:
    doctor = region().doctor
    document = "<a xmlns='urn:hl7-org:v3'><b>1</b>%s</a>" % xml_template(holder=doctor)  # noqa: UP031
    signed = xmlsec(doctor, document, tmp_path)
    (tmp_path / "hpki.pem").write_bytes(region().root.pem)

    def verify(data: bytes, *options: str) -> tuple[int, str]:
        (tmp_path / "document.xml").write_bytes(data)
        found = renkei("verify-document", str(tmp_path / "document.xml"), *options)
        return found.exit_code, json.loads(found.stdout)["state"] if found.stdout else ""

    before = verify(signed)
    renkei("trust", "add", str(tmp_path / "hpki.pem"))

    assert before == (4, "untrusted")
    assert verify(signed) == (0, "valid")
    assert verify(signed.replace(b"<b>1", b"<b>2")) == (3, "invalid")
    assert verify(signed, "--at", f"{NOW:%Y-%m-%d}") == (0, "valid")
    assert verify(signed, "--at", "2100-01-01") == (4, "untrusted")
    assert verify(b"<a/>") == (5, "")
    assert renkei("verify-document", __file__).exit_code == 1


def test_two_of_one_document_are_both_told(renkei: Renkei, tmp_path: Path) -> None:
    nobody = b"<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>"
    (tmp_path / "a.xml").write_bytes(b"<a>" + nobody * 2 + b"</a>")

    found = renkei("verify-document", str(tmp_path / "a.xml"))

    assert (found.exit_code, found.stdout.count('"state": "invalid"')) == (3, 2)
