"""nginx of deploy/ before a server of a test."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.ports import free_ports

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


class Counting(BaseHTTPRequestHandler):
    """Notes each request that reaches it."""

    protocol_version = "HTTP/1.1"
    reached: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        Counting.reached.append(f"{self.command} {self.path} {body.decode()}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


def counting() -> ThreadingHTTPServer:
    """Return such a server, on a port of its own."""
    return ThreadingHTTPServer(("127.0.0.1", 0), Counting)


@contextlib.contextmanager
def nginx_before(upstream: int, folder: Path) -> Iterator[int]:
    """Run nginx before a port of this machine; its files, `tls` among them, are in `folder`."""
    port = free_ports(1)[0]
    subprocess.run(["sh", DEPLOY / "throwaway-authority.sh", folder / "tls"], check=True)
    shutil.copytree(DEPLOY / "nginx", folder / "renkei")
    shutil.move(folder / "renkei" / "nginx.conf", folder)
    for name in ("logs", "temporary"):
        (folder / name).mkdir()
    place = folder / "renkei" / "place"
    (place / "portal.conf").unlink()
    (place / "upstream.conf").write_text(f"server 127.0.0.1:{upstream};")
    certificate = f"ssl_certificate {folder}/tls/certificate.pem; ssl_certificate_key {folder}/tls/key.pem;"
    logs = "access_log logs/renkei.log renkei; error_log logs/renkei-error.log crit;"
    (place / "site.conf").write_text(f"listen 127.0.0.1:{port} ssl http2; {certificate} {logs}")
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        while not (folder / "nginx.pid").exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)
