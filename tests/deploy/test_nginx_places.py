"""nginx takes its configuration as each place lays it out: a Debian host, the container."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.access.authority import make_authority
from tests.ports import free_ports

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

DEBIAN = "pid nginx.pid; events {} http { include /etc/nginx/mime.types; include renkei/hub.conf; }"


def laid_out(folder: Path, main: str, place: Path) -> None:
    shutil.copytree(DEPLOY / "nginx", folder / "renkei")
    shutil.rmtree(folder / "renkei" / "place")
    shutil.copytree(place, folder / "renkei" / "place")
    (folder / "nginx.conf").write_text(main)
    (folder / "temporary").mkdir()


@pytest.mark.parametrize(
    ("main", "place"),
    [
        (DEBIAN, DEPLOY / "nginx" / "place"),
        ((DEPLOY / "nginx" / "nginx.conf").read_text(), DEPLOY / "compose" / "nginx"),
    ],
    ids=["Debian", "container"],
)
def test_nginx_takes_the_configuration(tmp_path: Path, main: str, place: Path) -> None:
    tls, etc = tmp_path / "tls", tmp_path / "etc"
    subprocess.run(["sh", DEPLOY / "throwaway-authority.sh", tls], check=True)
    make_authority(tmp_path / "region", "A region", days=2, now=datetime.now(UTC))
    laid_out(etc, main, place)
    port, region = free_ports(1)[0], tmp_path / "region"
    for site in (etc / "renkei" / "place" / name for name in ("site.conf", "portal.conf")):
        # What is not on this machine: the region's certificates, a log folder of root's, port 443, the hub's container.
        text = re.sub(r"(ssl_certificate) .*;", rf"\1 {tls}/certificate.pem;", site.read_text())
        text = re.sub(r"(ssl_certificate_key) .*;", rf"\1 {tls}/key.pem;", text)
        text = re.sub(r"(ssl_client_certificate) .*;", rf"\1 {region}/client-authority.pem;", text)
        text = re.sub(r"(ssl_crl) .*;", rf"\1 {region}/client-revoked.pem;", text)
        text = re.sub(r"listen (\S*?)\d+ ", rf"listen \g<1>{port} ", text)
        site.write_text(text.replace("/var/log/nginx", str(tmp_path)))
    upstream = etc / "renkei" / "place" / "upstream.conf"
    upstream.write_text(upstream.read_text().replace("server hub:", "server 127.0.0.1:"))

    done = subprocess.run(
        ["/usr/sbin/nginx", "-t", "-p", etc, "-c", etc / "nginx.conf"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr
