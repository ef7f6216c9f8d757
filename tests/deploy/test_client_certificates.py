"""Mutual TLS by deploy/nginx: who gets through, what the hub is told, and what a scan finds."""

import json
import shutil
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from cryptography import x509

from app.access.authority import ISSUED, issue, list_revoked, make_authority, revoke
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
NGINX = "/usr/sbin/nginx"
HEADER = "x-renkei-client-certificate"


class Echo(BaseHTTPRequestHandler):
    """Answers with the method, the path and the headers it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps({"method": self.command, "path": self.path, **headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Place:
    """A running nginx with an address for systems and one for browsers."""

    folder: Path
    systems: int
    portal: int

    @property
    def region(self) -> Path:
        return self.folder / "region"

    def trust(self, certificate: str = "", region: str = "region") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.folder / "tls" / "authority.pem")
        if certificate:
            place = self.folder / region / ISSUED
            context.load_cert_chain(place / f"{certificate}.pem", place / f"{certificate}-key.pem")
        return context

    def get(
        self, path: str, certificate: str = "", *, region: str = "region", portal: bool = False, **more: str
    ) -> httpx.Response:
        port = self.portal if portal else self.systems
        with httpx.Client(verify=self.trust(certificate, region)) as client:
            return client.get(f"https://localhost:{port}{path}", headers=more)

    def reload(self) -> None:
        command = [NGINX, "-p", self.folder, "-c", self.folder / "nginx.conf", "-s", "reload"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        time.sleep(0.5)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, ports, now = tmp_path_factory.mktemp("mutual"), free_ports(2), datetime.now(UTC)
    subprocess.run(["sh", ROOT / "deploy" / "throwaway-authority.sh", folder / "tls"], check=True)
    make_authority(folder / "region", "A region", days=30, now=now - timedelta(days=5))
    issue(folder / "region", "ehr.hospital-a", days=10, now=now)
    issue(folder / "region", "expired", days=1, now=now - timedelta(days=3))
    issue(folder / "region", "lost", days=10, now=now)
    make_authority(folder / "elsewhere", "A region", days=30, now=now)
    issue(folder / "elsewhere", "stranger", days=10, now=now)
    shutil.copytree(ROOT / "deploy" / "nginx", folder / "renkei")
    shutil.move(folder / "renkei" / "nginx.conf", folder)
    for name in ("logs", "temporary"):
        (folder / name).mkdir()
    common = f"""ssl_certificate {folder}/tls/certificate.pem; ssl_certificate_key {folder}/tls/key.pem;
        access_log logs/renkei.log renkei; error_log logs/renkei-error.log crit;"""
    (folder / "renkei/place/site.conf").write_text(
        f"""listen 127.0.0.1:{ports[0]} ssl http2; {common}
        ssl_client_certificate {folder}/region/client-authority.pem; ssl_crl {folder}/region/client-revoked.pem;
        include renkei/client-certificates.conf;"""
    )
    (folder / "renkei/place/portal.conf").write_text(
        f"server {{ listen 127.0.0.1:{ports[1]} ssl http2; {common} include renkei/portal.conf; }}"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as upstream:
        thread = Thread(target=upstream.serve_forever, args=(0.01,))
        thread.start()
        (folder / "renkei/place/upstream.conf").write_text(f"server 127.0.0.1:{upstream.server_port};")
        process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"])
        while not (folder / "nginx.pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield Place(folder, *ports)
        process.terminate()
        process.wait(30)
        upstream.shutdown()
        thread.join()


def test_the_hub_is_told_the_certificate_that_was_proved_and_no_other(place: Place) -> None:
    forged = {HEADER: "forged", "X-Renkei-Refused-Certificate": "forged", "X_Renkei_Client_Certificate": "forged"}
    forged |= {"Client-Cert": "forged", "X-SSL-Client-Cert": "forged"}

    reached = place.get("/fhir/Patient", "ehr.hospital-a", **forged).json()

    shown = x509.load_pem_x509_certificate(urllib.parse.unquote(reached[HEADER]).encode())
    held = x509.load_pem_x509_certificate((place.region / ISSUED / "ehr.hospital-a.pem").read_bytes())
    assert shown == held
    assert "forged" not in json.dumps(reached)


@pytest.mark.parametrize(
    ("certificate", "region", "why"),
    [
        ("", "region", "NONE"),
        ("stranger", "elsewhere", "FAILED:"),
        ("expired", "region", "FAILED:certificate has expired"),
    ],
    ids=["none", "unknown authority of the same name", "expired"],
)
def test_who_has_no_good_certificate_is_told_to_the_hub_and_gets_no_further(
    place: Place, certificate: str, region: str, why: str
) -> None:
    reached = place.get("/fhir/Patient?name=canary", certificate, region=region, Authorization="Bearer stolen").json()

    assert (reached["method"], reached["path"]) == ("POST", "/node-authentication")
    assert reached["x-renkei-refused-certificate"].startswith(why)
    assert HEADER not in reached
    assert "canary" not in json.dumps(reached)
    assert "stolen" not in json.dumps(reached)


def test_a_revoked_certificate_is_refused_once_nginx_is_reloaded(place: Place) -> None:
    before = place.get("/fhir/Patient", "lost").json()["path"]
    keys = [(place.region / ISSUED / name).read_bytes() for name in ("lost.pem", "lost-key.pem")]
    revoke(place.region, "lost", now=datetime.now(UTC))
    for name, content in zip(("lost.pem", "lost-key.pem"), keys, strict=True):
        (place.region / ISSUED / name).write_bytes(content)  # the thief's copy
    place.reload()

    reached = place.get("/fhir/Patient", "lost").json()
    other = place.get("/fhir/Patient", "ehr.hospital-a").json()

    assert before == other["path"] == "/fhir/Patient"
    assert reached["path"] == "/node-authentication"
    assert reached["x-renkei-refused-certificate"].startswith("FAILED:certificate revoked")


def test_with_an_outdated_list_of_revoked_certificates_nobody_is_let_in(place: Place) -> None:
    list_revoked(place.region, now=datetime.now(UTC) - timedelta(days=31))
    place.reload()
    outdated = place.get("/fhir/Patient", "ehr.hospital-a").json()
    list_revoked(place.region, now=datetime.now(UTC))
    place.reload()

    assert outdated["x-renkei-refused-certificate"].startswith("FAILED:CRL has expired")
    assert place.get("/fhir/Patient", "ehr.hospital-a").json()["path"] == "/fhir/Patient"


def test_the_portal_is_reached_without_a_certificate_and_takes_no_token(place: Place) -> None:
    answer = place.get("/patients", portal=True, Authorization="Bearer token", **{HEADER: "forged"})
    tokens = place.get("/oauth/token", portal=True)

    reached = answer.json()
    assert (reached["path"], tokens.status_code) == ("/patients", 404)
    assert [name for name in (HEADER, "authorization", "x-renkei-refused-certificate") if name in reached] == []


def test_nobody_reaches_the_record_of_refusals_from_outside(place: Place) -> None:
    forged = {"X-Renkei-Refused-Certificate": "forged"}

    by_systems = place.get("/node-authentication", "ehr.hospital-a", **forged)
    by_portal = place.get("/node-authentication", portal=True, **forged).json()

    assert by_systems.status_code == 404
    assert "x-renkei-refused-certificate" not in by_portal


@pytest.mark.parametrize("portal", [False, True], ids=["systems", "portal"])
def test_every_answer_carries_the_headers_of_safety_once(place: Place, portal: bool) -> None:
    answers = [place.get(path, "ehr.hospital-a", portal=portal) for path in ("/fhir/metadata", "/metrics")]

    for answer in answers:
        assert answer.headers.get_list("strict-transport-security") == ["max-age=63072000"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert answer.headers.get_list("x-frame-options") == ["DENY"]
        assert answer.headers["server"] == "nginx"


def _spoken(port: int, *options: str) -> str:
    """The protocol and suite that are agreed on, or nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = dict(line.split(": ", 1) for line in done.stderr.splitlines() if ": " in line)
    found = f"{lines.get('Protocol version', '')} {lines.get('Ciphersuite', '')}".strip()
    return found if "CONNECTION ESTABLISHED" in done.stderr else ""


def _every(protocol: str) -> list[str]:
    """Every suite of a protocol that this machine's OpenSSL can offer."""
    command = ["openssl", "ciphers", "-s", f"-{protocol}", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return [suite for suite in listed.split(":") if not suite.startswith("TLS_")]


OLDER = ["-tls1", "-tls1_1", "-tls1_2"]
# Table of the 高セキュリティ型, TLS暗号設定ガイドライン 3.0.1: forward secrecy and authenticated encryption.
TLS_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
TLS_1_2 = {
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"),
    *("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
}


@pytest.mark.parametrize("portal", [False, True], ids=["systems", "portal"])
def test_a_scan_finds_tls_1_3_and_nothing_older(place: Place, portal: bool) -> None:
    port = place.portal if portal else place.systems

    older = [_spoken(port, version, "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0") for version in OLDER]
    spoken = [_spoken(port, "-tls1_3", "-ciphersuites", suite) for suite in [*TLS_1_3, "TLS_AES_128_CCM_SHA256"]]

    assert older == ["", "", ""]
    assert spoken == [*(f"TLSv1.3 {suite}" for suite in TLS_1_3), ""]


def test_a_scan_with_tls_1_2_let_in_finds_suites_of_the_high_security_type_only(place: Place) -> None:
    tls = place.folder / "renkei" / "tls.conf"
    before = tls.read_text()
    tls.write_text(before.replace("ssl_protocols TLSv1.3;", "ssl_protocols TLSv1.2 TLSv1.3;"))
    place.reload()
    every = _every("tls1_2")

    taken = {suite for suite in every if _spoken(place.systems, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")}
    older = [_spoken(place.systems, version, "-cipher", "ALL:@SECLEVEL=0") for version in OLDER[:2]]

    tls.write_text(before)
    place.reload()
    assert len(every) > 30
    # The server's certificate is of an elliptic curve: those of RSA are allowed, and not to be had here.
    assert taken == {suite for suite in TLS_1_2 if "ECDSA" in suite}
    assert older == ["", ""]


def test_no_session_is_taken_up_again(place: Place, tmp_path: Path) -> None:
    kept = tmp_path / "session"
    certificate = [
        *("-cert", place.region / ISSUED / "ehr.hospital-a.pem"),
        "-CAfile",
        place.folder / "tls/authority.pem",
    ]
    key = ["-key", place.region / ISSUED / "ehr.hospital-a-key.pem"]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{place.systems}", *certificate, *key]
    request = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    first = subprocess.run(
        [*command, "-sess_out", kept, "-ign_eof"], input=request, capture_output=True, text=True, check=False
    )

    assert "HTTP/1.1 200" in first.stdout
    assert not kept.exists() or "Reused" not in _resumed(command, kept, request)


def _resumed(command: list[object], kept: Path, request: str) -> str:
    done = subprocess.run(
        [*map(str, command), "-sess_in", str(kept), "-ign_eof"],
        input=request,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
