"""Orthanc as Debian ships it, with its DICOMweb plugin, in the network namespace that this process runs in.

Four traps, each of which would make a comparison unfair or unsafe: it listens on every address, so it runs where no
other machine is; it compresses images when a client takes gzip, so no client here does; without Utf8 as its default
encoding it loses names; and it is an old release with known holes, so its version is printed with the figures.
https://orthanc.uclouvain.be/book/users/configuration.html
"""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks import servers
from benchmarks.servers import Server

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ROOT = "/dicom-web"


def version() -> str:
    """Return its version, `1.10.1`."""
    said = subprocess.run(["Orthanc", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return found[0] if found else "unknown"


@contextlib.contextmanager
def orthanc(folder: Path) -> Iterator[tuple[Server, int]]:
    """Run an Orthanc whose data are in a folder, and yield the port of its DICOM door too.

    It flushes what it stores, as it does by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = servers.free_port()
    door = port + 1
    settings = {
        "Name": "BENCH",
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "DicomServerEnabled": True,
        "DicomAet": "RENKEI",
        "DicomPort": door,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DefaultEncoding": "Utf8",
        "KeepAlive": True,
        "SyncStorageArea": True,
        "LimitFindResults": 0,
        "DicomWeb": {"Enable": True, "Root": f"{ROOT}/"},
    }
    configuration = folder / "configuration.json"
    configuration.write_text(json.dumps(settings))
    base = f"http://127.0.0.1:{port}"
    with servers.other(["Orthanc", str(configuration)], base, "/system", folder / "orthanc.log") as server:
        yield server, door
