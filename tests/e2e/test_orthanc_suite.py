"""The black-box suite on Orthanc, in a network namespace of its own: where it differs is told in docs/dicomweb.md."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.hub_process import CHECKOUT

ROOT = "http://127.0.0.1:8042"
WAIT_SECONDS = 60
IN_ITS_OWN_NETWORK = """
ip link set lo up
Orthanc "$1" >"$2" 2>&1 &
orthanc=$!
for _ in $(seq 600); do
    "$3" -c 'import socket; socket.create_connection(("127.0.0.1", 8042), 1).close()' 2>/dev/null && break
    kill -0 $orthanc || exit 3
    sleep 0.1
done
"$3" -m tests.dicomweb http://127.0.0.1:8042/dicom-web --json
kill $orthanc
wait $orthanc
exit 0
"""
"""Orthanc 1.10.1 listens on every address: nobody else is to reach it."""

DIFFERENT = {
    "stow: the same again is no failure",
    "stow: a bad part fails alone",
    "stow: only bad parts are a conflict",
    "stow: a file that is cut short is refused",
    "stow: one file is sent without parts",
    "stow: metadata as json and bulk data are put together",
    "stow: metadata as xml and bulk data are put together",
    "stow: bulk data that is not there fails its instance",
    "qido: a percent encoded asterisk is a wildcard too",
    "qido: uids are matched by lists with backslashes",
    "qido: modalities in study are matched by one and by a list",
    "qido: names are matched in each group",
    "qido: fuzzy matching is done or warned about",
    "qido: a sequence is matched by a path",
    "qido: the total is told by a header",
    "qido: includefield all is taken",
    "qido: the study list of ohif is answered",
    "qido: an unknown attribute is refused or warned about",
    "qido: a malformed date is refused",
    "qido: results are given as xml",
    "qido: what cannot be given is not acceptable",
    "wado: an instance comes without parts",
    "wado: all bulk data of an instance are given",
    "wado: pixel data of an instance are given",
    "wado: frames that are not there are not found",
    "wado: a range of a single part is given",
    "wado: a range beyond the end is not satisfiable",
    "wado: what has not changed is not sent again",
    "wado: head answers as get without a body",
    "wado: an instance is not found in another study",
    "negotiation: frames are given to whoever names nothing",
    "negotiation: of a list what can be given is given",
    "negotiation: the best liked form is given",
    "negotiation: the accept parameter goes before the header",
    "negotiation: what cannot be given is not acceptable",
    "negotiation: instances are given in rle",
    "negotiation: instances are given in jpeg 2000",
    "negotiation: instances are given in htj2k",
    "negotiation: frames are compressed when their media type is asked for",
    "rendered: a frame is the one that is named",
    "rendered: a viewport bounds the size",
    "rendered: a series is shown in parts",
    "rendered: thumbnails of every level are given",
    "rendered: another kind of picture is not acceptable",
    "rendered: a wrong parameter is refused",
    "whole: wado uri gives a picture",
    "whole: wado uri without a uid is refused",
    "whole: capabilities are told",
    "whole: a worklist that is not there says so",
    "whole: an instance that is deleted is gone and can be sent again",
    "whole: a study that is deleted is gone",
}
"""The checks that Orthanc does not pass."""


def configuration(folder: Path) -> dict[str, object]:
    """Return what Orthanc is told: names in UTF-8, and the DICOMweb plugin alone; that of GDCM ends it on JPEG-LS."""
    return {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
        "DefaultEncoding": "Utf8",
        "AuthenticationEnabled": False,
        "HttpPort": 8042,
        "DicomServerEnabled": False,
        "HttpCompressionEnabled": False,
        "DicomWeb": {"Enable": True, "EnableWado": True},
    }


def test_orthanc_differs_where_the_page_says(tmp_path: Path) -> None:
    assert shutil.which("Orthanc"), "Orthanc is a package that these tests need"
    settings = tmp_path / "orthanc.json"
    settings.write_text(json.dumps(configuration(tmp_path / "stored")))

    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", IN_ITS_OWN_NETWORK, "sh", settings, tmp_path / "log", sys.executable],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        timeout=WAIT_SECONDS * 3,
        check=False,
    )

    assert done.returncode == 0, (done.stderr, (tmp_path / "log").read_text()[-2000:])
    failed = {f"{one['service']}: {one['name']}" for one in json.loads(done.stdout) if not one["holds"]}
    assert failed == DIFFERENT
    page = (Path(CHECKOUT) / "docs/dicomweb.md").read_text()
    assert [one for one in sorted(DIFFERENT) if f"| {one} |" not in page] == []
