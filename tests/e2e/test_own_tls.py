"""`renkei serve` ends TLS itself: TLS 1.3, client certificates of the region, none that was revoked."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import anyio
import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.authority import ISSUED, issue, make_authority, revoke
from app.access.proxy import CERTIFICATE, believed
from app.access.tls import TlsProtocol, context_of
from app.settings import Settings
from tests.hub_process import HubProcess
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("own TLS")  # one hub for all


class Secured(HubProcess):
    """A hub that is asked by https, with a certificate of the region."""

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    def trust(self, certificate: str = "") -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=self.home / "tls" / "authority.pem")
        if certificate:
            place = self.home / "region" / ISSUED
            made.load_cert_chain(place / f"{certificate}.pem", place / f"{certificate}-key.pem")
        return made

    def get(self, path: str, certificate: str = "", **headers: str) -> httpx.Response:
        with httpx.Client(verify=self.trust(certificate)) as client:
            return client.get(f"{self.address}{path}", headers=headers)

    def wait(self) -> None:
        for _ in range(600):
            try:
                if self.get("/health", "ehr").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process is not None
                assert self.process.poll() is None, (self.home / "server.log").read_text()
                anyio.run(anyio.sleep, 0.05)
        raise AssertionError((self.home / "server.log").read_text())


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    home, now = tmp_path_factory.mktemp("own-tls"), datetime.now(UTC)
    subprocess.run(["sh", ROOT / "deploy" / "throwaway-authority.sh", home / "tls"], check=True)
    make_authority(home / "region", "A region", days=2, now=now)
    for name in ("ehr", "lost"):
        issue(home / "region", name, days=1, now=now)
    kept = {path: path.read_bytes() for path in (home / "region" / ISSUED).iterdir()}
    revoke(home / "region", "lost", now=now)
    for path, content in kept.items():
        path.write_bytes(content)
    settings = {
        "TLS_CERTIFICATE": home / "tls" / "certificate.pem",
        "TLS_KEY": home / "tls" / "key.pem",
        "CLIENT_AUTHORITY": home / "region" / "client-authority.pem",
        "CLIENT_REVOKED": home / "region" / "client-revoked.pem",
    }
    made = Secured(home, extra={f"RENKEI_{name}": str(path) for name, path in settings.items()})
    made.renkei("migrate")
    made.start()
    yield made
    made.stop()


def test_who_has_a_certificate_is_let_in_and_still_needs_a_token(hub: Secured) -> None:
    assert [hub.get(path, "ehr").status_code for path in ("/health", "/fhir/Patient/x")] == [200, 401]


@pytest.mark.parametrize("certificate", ["", "lost"], ids=["none", "revoked"])
def test_nobody_else_is(hub: Secured, certificate: str) -> None:
    with pytest.raises((httpx.TransportError, ssl.SSLError)):
        hub.get("/health", certificate)


def test_only_tls_1_3_is_spoken(hub: Secured) -> None:
    older = hub.trust("ehr")
    older.maximum_version = ssl.TLSVersion.TLSv1_2

    with pytest.raises(httpx.TransportError), httpx.Client(verify=older) as client:
        client.get(f"{hub.address}/health")


def test_nobody_is_believed_to_be_a_proxy(hub: Secured) -> None:
    # /metrics answers callers of this machine only, so it shows whom the hub takes a caller for.
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Renkei-Refused-Certificate": "forged"}

    assert hub.get("/metrics", "ehr", **forged).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("certificate", ["ehr", ""], ids=["a certificate", "none, where none is asked for"])
async def test_the_application_is_told_the_certificate_that_was_shown(hub: Secured, certificate: str) -> None:
    seen: list[dict[bytes, bytes]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]))
        await Response()(scope, receive, send)

    region, tls = hub.home / "region", hub.home / "tls"
    authority = region / "client-authority.pem" if certificate else None
    chosen = Settings(tls_certificate=tls / "certificate.pem", tls_key=tls / "key.pem", client_authority=authority)
    port = free_ports(1)[0]
    server = uvicorn.Server(
        uvicorn.Config(
            believed(application, "127.0.0.1"),
            port=port,
            http=TlsProtocol,
            ssl_context_factory=lambda *_: context_of(chosen),
            lifespan="off",
            proxy_headers=False,
            log_level="critical",
        )
    )
    serving = asyncio.create_task(server.serve())
    for _ in range(500):
        if not server.started:
            await asyncio.sleep(0.01)
    async with httpx.AsyncClient(verify=hub.trust(certificate)) as client:
        for _ in range(2):
            await client.get(f"https://localhost:{port}/", headers={CERTIFICATE.decode(): "forged"})
    server.should_exit = True
    await serving

    held = (region / ISSUED / "ehr.pem").read_text() if certificate else None
    told = [unquote(one[CERTIFICATE].decode()) if CERTIFICATE in one else None for one in seen]
    assert told == [held, held]
