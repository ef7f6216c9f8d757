"""An S3 server of the tests' own."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

WEED = Path(sys.executable).parent / "weed"


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Run a server and yield the variables by which clients find it; buckets are made by the first write."""
    s3, master, volume, filer = _free_ports(4)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "s3.json"
        config.write_text(
            '{"identities": [{"name": "renkei", "credentials": [{"accessKey": "renkei", "secretKey": "renkei-secret"}],'
            ' "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}'
        )
        command = [
            *(str(WEED), "server", "-ip=127.0.0.1", f"-dir={folder}", "-s3", f"-s3.port={s3}"),
            *(f"-s3.config={config}", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
            *(f"-master.port.grpc={0}", "-volume.max=50", "-s3.port.iceberg=0"),
        ]
        command.remove("-master.port.grpc=0")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            deadline = time.monotonic() + 60
            while not _answers(s3) and time.monotonic() < deadline:
                time.sleep(0.2)
            yield {
                "AWS_ENDPOINT": f"http://127.0.0.1:{s3}",
                "AWS_ACCESS_KEY_ID": "renkei",
                "AWS_SECRET_ACCESS_KEY": "renkei-secret",
                "AWS_REGION": "us-east-1",
                "AWS_ALLOW_HTTP": "true",
                "PATH": os.environ["PATH"],
            }
        finally:
            process.terminate()
            process.wait()
