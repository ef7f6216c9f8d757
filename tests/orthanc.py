"""Orthanc as Debian ships it, as the PACS of a site.

This release listens on every address whatever it is told, so it runs in a network of its own, and is reached through
sockets in a folder. Without Utf8 as its default encoding it loses names.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.certificates import Authority
from tests.ports import free_ports
from tests.relay import relay

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HTTP, DICOM, BACK = 8042, 4242, 11113
AE_TITLE = "ORTHANC"


@dataclass
class Orthanc:
    """A running Orthanc.

    Attributes:
        folder: Where its sockets are.
        http: The port of this machine that leads to its DICOMweb, while `reachable` lasts.
        dicom: The port that leads to its DIMSE.
        back: The port to which it sends what a C-MOVE asks for.
    """

    folder: Path
    http: int = 0
    dicom: int = 0
    back: int = 0

    @property
    def address(self) -> str:
        """The address of its DICOMweb services."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    @contextlib.asynccontextmanager
    async def reachable(self) -> AsyncIterator["Orthanc"]:
        """Let this process reach it, and be reached by it."""
        self.http, self.dicom, self.back = free_ports(3)
        (self.folder / "back").unlink(missing_ok=True)
        ways = (
            (f"tcp:{self.http}", f"unix:{self.folder}/http"),
            (f"tcp:{self.dicom}", f"unix:{self.folder}/dicom"),
            (f"unix:{self.folder}/back", f"tcp:{self.back}"),
        )
        servers = [await relay(*one) for one in ways]
        try:
            yield self
        finally:
            for server in servers:
                server.close()

    async def take(self, *files: bytes) -> None:
        """Store files in it."""
        async with httpx.AsyncClient(trust_env=False) as client:
            for one in files:
                answer = await client.post(f"http://127.0.0.1:{self.http}/instances", content=one)
                assert answer.status_code == 200, answer.text


@contextlib.contextmanager
def an_orthanc(folder: Path, authority: Authority | None = None) -> Iterator[Orthanc]:
    """Run an Orthanc whose data are in a folder; its DIMSE by TLS, to whom an authority knows, when one is given."""
    assert PLUGIN.is_file(), "apt-get install orthanc orthanc-dicomweb"
    settings: dict[str, Any] = {
        "Name": "PACS",
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(PLUGIN)],
        "HttpPort": HTTP,
        "DicomPort": DICOM,
        "DicomAet": AE_TITLE,
        "DicomModalities": {"renkei": ["RENKEI", "127.0.0.1", BACK]},
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DefaultEncoding": "Utf8",
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    if authority is not None:
        settings |= _by_tls(authority)
    (folder / "orthanc.json").write_text(json.dumps(settings))
    ways = f"unix:{folder}/http=tcp:{HTTP} unix:{folder}/dicom=tcp:{DICOM} tcp:{BACK}=unix:{folder}/back"
    inside = f"ip link set lo up && {{ Orthanc {folder}/orthanc.json & exec {sys.executable} -m tests.relay {ways}; }}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", inside], stdout=log, stderr=log, start_new_session=True, env=os.environ
        )
        try:
            _wait(folder)
            yield Orthanc(folder)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


def _by_tls(authority: Authority) -> dict[str, Any]:
    # Its HTTP stays as it is: this release ends when somebody with a certificate asks by HTTPS.
    certificate, key = authority.issue("orthanc")
    return {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificate),
        "DicomTlsPrivateKey": str(key),
        "DicomTlsTrustedCertificates": str(authority.path),
        "DicomTlsRemoteCertificateRequired": True,
        "DicomModalities": {"renkei": {"AET": "RENKEI", "Host": "127.0.0.1", "Port": BACK, "UseDicomTls": True}},
    }


def _wait(folder: Path) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(folder / "http"))
            connection.sendall(b"GET /system HTTP/1.0\r\n\r\n")
            if b" 200 " in connection.recv(100):
                return
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())
