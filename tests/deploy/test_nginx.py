"""deploy/nginx in front of a server that shows what reaches it."""

import http.client
import http.server
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers it was sent; says when the first bytes of a body came."""

    protocol_version = "HTTP/1.1"
    first_bytes = threading.Event()

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        self.rfile.read(1)
        Echo.first_bytes.set()
        self.rfile.read(left - 1)
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["sh", ROOT / "deploy" / "throwaway-authority.sh", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def nginx(
    upstream: http.server.ThreadingHTTPServer, authority: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """An address and the folder nginx writes to."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_ports(1)[0]
    shutil.copytree(ROOT / "deploy" / "nginx", folder / "renkei")
    shutil.move(folder / "renkei" / "nginx.conf", folder)
    for name in ("logs", "temporary"):
        (folder / name).mkdir()
    place = folder / "renkei" / "place"
    (place / "portal.conf").unlink()
    (place / "upstream.conf").write_text(f"server 127.0.0.1:{upstream.server_port};")
    certificate = f"ssl_certificate {authority}/certificate.pem; ssl_certificate_key {authority}/key.pem;"
    logs = "access_log logs/renkei.log renkei; error_log logs/renkei-error.log crit;"
    (place / "site.conf").write_text(f"listen 127.0.0.1:{port} ssl http2; {certificate} {logs}")
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"])
    while not (folder / "nginx.pid").exists():
        assert process.poll() is None
        time.sleep(0.05)
    yield f"https://localhost:{port}", folder
    process.terminate()
    process.wait(30)


@pytest.fixture
def client(nginx: tuple[str, Path], authority: Path) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=authority / "authority.pem")
    with httpx.Client(base_url=nginx[0], verify=trust) as made:
        yield made


def test_the_hub_is_told_who_calls_by_nginx_and_not_by_the_caller(client: httpx.Client) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "elsewhere.example",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "X-Request-Id": "forged",
    }

    answer = client.get("/fhir/Patient", headers=forged)

    reached = answer.json()
    assert (reached["x-forwarded-for"], reached["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert [name for name in ("x-forwarded-host", "forwarded", "x-real-ip") if name in reached] == []
    assert reached["x-request-id"] == answer.headers["x-request-id"] != "forged"
    assert reached["host"] == "localhost"


def test_a_body_reaches_the_hub_while_it_is_still_being_sent(client: httpx.Client) -> None:
    Echo.first_bytes.clear()
    came_early = []

    def body() -> Iterator[bytes]:
        yield b"x" * 100_000
        came_early.append(Echo.first_bytes.wait(10))
        yield b"x"

    answer = client.post("/dicomweb/studies", content=body(), headers={"Content-Length": "100001"})

    assert (answer.status_code, came_early) == (200, [True])


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/fhir", 111 * 1024**2, 413), ("/dicomweb/studies", 8_101 * 1024**2, 413), ("/fhir/Patient", 1, 200)],
    ids=["no bundle is so large", "no study is so large", "small is fine"],
)
def test_nginx_refuses_what_no_hub_would_take(
    nginx: tuple[str, Path], authority: Path, path: str, size: int, status: int
) -> None:
    trust = ssl.create_default_context(cafile=authority / "authority.pem")
    connection = http.client.HTTPSConnection(nginx[0].removeprefix("https://"), context=trust)

    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(size))
    connection.endheaders(b"x")
    answer = connection.getresponse().status
    connection.close()

    assert answer == status


def test_a_hub_that_is_away_is_a_503_that_fhir_clients_understand(
    nginx: tuple[str, Path], client: httpx.Client, upstream: http.server.ThreadingHTTPServer
) -> None:
    place = nginx[1] / "renkei" / "place" / "upstream.conf"
    before = place.read_text()
    place.write_text(f"server 127.0.0.1:{free_ports(1)[0]};")
    _reload(nginx[1])

    answer = client.get("/fhir/Patient?name=canary-in-a-query")

    place.write_text(before)
    _reload(nginx[1])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert answer.headers["strict-transport-security"] == "max-age=63072000"
    assert answer.json()["issue"][0]["code"] == "transient"
    assert [log.name for log in (nginx[1] / "logs").iterdir() if "canary" in log.read_text()] == []


def _reload(folder: Path) -> None:
    subprocess.run(
        ["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-s", "reload"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)


def test_tls_1_2_by_choice_takes_suites_of_the_high_security_type_only(nginx: tuple[str, Path]) -> None:
    port, tls = nginx[0].rpartition(":")[2], nginx[1] / "renkei" / "tls.conf"
    before = tls.read_text()
    tls.write_text(before.replace("ssl_protocols TLSv1.3;", "ssl_protocols TLSv1.2 TLSv1.3;"))
    _reload(nginx[1])
    suites = ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "AES256-GCM-SHA384")

    taken = []
    for suite in suites:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-cipher", suite]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        taken.append(done.returncode == 0)

    tls.write_text(before)
    _reload(nginx[1])
    assert taken == [True, False, False]
