"""The composition of deploy/, as plain processes: PostgreSQL, the hub, nginx with TLS."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("deploy")  # one hub for all


@dataclass
class Composition:
    folder: Path
    ports: list[int]
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return f"https://localhost:{self.ports[0]}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.folder / "tls" / "authority.pem")

    def renkei(self, *arguments: str) -> str:
        done = subprocess.run([self.folder / "renkei", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextlib.contextmanager
def composed(folder: Path, **environment: str) -> Iterator[Composition]:
    """Run the script until it says that it is ready, and stop it at the end."""
    ports = free_ports(3)
    named = dict(zip(("PORT", "HUB_PORT", "DATABASE_PORT"), map(str, ports), strict=True))
    command = ["sh", ROOT / "deploy" / "run-plain.sh", folder]
    variables = {**os.environ, **named, "PYTHON": sys.executable, **environment}
    with (
        (folder / "messages").open("w") as messages,
        subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=messages, text=True) as process,
    ):
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == "ready\n", (folder / "messages").read_text()
        made = Composition(folder, ports, process)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    with a_folder() as made:
        yield made


@contextlib.contextmanager
def a_folder() -> Iterator[Path]:
    # Not pytest's folder: PostgreSQL's own user must be able to enter it, and pytest's is for one user only.
    made = Path(tempfile.mkdtemp(prefix="renkei-deploy-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    with a_folder() as folder, composed(folder) as made:
        yield made


@pytest.fixture
def http(composition: Composition) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=composition.address, verify=composition.trust) as client:
        yield client


def test_health_and_metadata_are_open_and_come_over_tls(http: httpx.Client, composition: Composition) -> None:
    health, metadata = http.get("/health"), http.get("/fhir/metadata")

    assert (health.status_code, health.json()) == (200, {"status": "pass"})
    assert metadata.json()["implementation"]["url"] == f"{composition.address}/fhir"


def test_every_answer_is_for_tls_only_and_has_a_request_id(http: httpx.Client) -> None:
    answers = [http.get(path) for path in ("/health", "/fhir/Patient/unknown", "/metrics")]

    assert [answer.status_code for answer in answers] == [200, 401, 404]
    assert [answer.headers["strict-transport-security"] for answer in answers] == ["max-age=63072000"] * 3
    assert [answer.headers["server"] for answer in answers] == ["nginx"] * 3
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


def test_nobody_reads_without_a_token(http: httpx.Client) -> None:
    refused = http.get("/fhir/Patient?name=canary-in-a-query")

    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert refused.json()["issue"][0]["code"] == "login"


def test_a_client_added_on_the_command_line_writes_and_reads(http: httpx.Client, composition: Composition) -> None:
    composition.renkei("organisation", "add", "hospital-a", "--title", "北病院", "--kind", "hospital")
    composition.renkei("client", "add", "hospital-a-ehr", "--organisation", "hospital-a")
    caller = {"Authorization": f"Bearer {composition.renkei('token', 'hospital-a-ehr')}"}
    patient = {"resourceType": "Patient", "name": [{"text": "山田 太郎"}]}

    made = http.post("/fhir/Patient", headers=caller, json=patient)
    read = http.get(f"/fhir/Patient/{made.json()['id']}", headers=caller)

    assert (made.status_code, read.status_code) == (201, 200)
    assert read.json()["name"] == [{"text": "山田 太郎"}]
    assert made.headers["location"].startswith(f"{composition.address}/fhir/Patient/")


@pytest.mark.parametrize(("version", "spoken"), [("-tls1_1", False), ("-tls1_2", False), ("-tls1_3", True)])
def test_only_tls_1_3_is_spoken(composition: Composition, version: str, spoken: bool) -> None:
    target = f"127.0.0.1:{composition.ports[0]}"

    done = subprocess.run(
        ["openssl", "s_client", "-connect", target, version, "-cipher", "DEFAULT@SECLEVEL=0"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

    assert (done.returncode == 0) is spoken


def test_no_log_holds_a_query_string(http: httpx.Client, composition: Composition) -> None:
    http.get("/fhir/Patient?name=canary-in-a-query")

    logs = [path for name in ("logs", "nginx/logs") for path in (composition.folder / name).iterdir()]

    lines = [json.loads(line) for line in (composition.folder / "nginx/logs/renkei.log").read_text().splitlines()]
    assert any(line["path"] == "/fhir/Patient" for line in lines)
    assert [path.name for path in logs if "canary" in path.read_text()] == []


def test_secrets_are_for_their_owner_only(composition: Composition) -> None:
    secrets = composition.folder / "secrets"

    assert [oct(path.stat().st_mode & 0o777) for path in (secrets, *sorted(secrets.iterdir()))] == [
        "0o700",
        "0o600",
        "0o600",
    ]


def test_it_refuses_a_port_that_another_listens_on(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = [*free_ports(2), taken.getsockname()[1]]
        named = dict(zip(("PORT", "HUB_PORT", "DATABASE_PORT"), map(str, ports), strict=True))

        done = subprocess.run(
            ["sh", ROOT / "deploy" / "run-plain.sh", tmp_path / "new"],
            env={**os.environ, **named, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, f"Port {ports[2]} on 127.0.0.1: Address already in use\n")


def _listened_on(ports: list[int]) -> list[bool]:
    answers = []
    for port in ports:
        with socket.socket() as probe:
            answers.append(probe.connect_ex(("127.0.0.1", port)) == 0)
    return answers


def test_it_stops_cleanly_keeps_the_data_and_can_ask_for_client_certificates(folder: Path) -> None:
    with composed(folder) as first:
        first.renkei("organisation", "add", "clinic-c", "--title", "南診療所", "--kind", "clinic")
        before = _listened_on(first.ports)
        status = first.stop()
        after = _listened_on(first.ports)
    portal = free_ports(1)[0]
    with composed(folder, CLIENT_CERTIFICATES="1", PORTAL_PORT=str(portal)) as second:
        kept = second.renkei("organisation", "list")
        trusted, plain, issued = second.trust, second.trust, folder / "region" / "issued"
        trusted.load_cert_chain(issued / "caller.pem", issued / "caller-key.pem")
        with httpx.Client(verify=plain) as without, httpx.Client(verify=trusted) as with_certificate:
            refused = without.get(f"{second.address}/fhir/Patient?name=canary")
            answers = [with_certificate.get(f"{second.address}/health").status_code]
            page = without.get(f"https://localhost:{portal}/")

    assert (before, after, status) == ([True] * 3, [False] * 3, 143)
    assert "南診療所" in kept
    assert (refused.status_code, refused.json()["issue"][0]["code"], answers) == (400, "security", [200])
    assert (page.status_code, "<form" in page.text) == (200, True)
