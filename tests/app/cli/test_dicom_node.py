"""`renkei dicom-node`: which applications may call, and where they are called."""

from pathlib import Path

import pytest

from tests.app.cli.conftest import Renkei
from tests.certificates import Authority


def test_a_node_is_added_listed_and_removed(hospital: Renkei, tmp_path: Path) -> None:
    hospital("client", "add", "pacs-a", "--organisation", "hospital-a")
    certificate, key = Authority(tmp_path).issue("pacs")
    known = ("--client", "pacs-a", "--title", "PACS_A", "--network", "10.1.2.0/24", "--subject", "CN=pacs")

    added = hospital("dicom-node", "add", "a", *known, "--certificate", str(certificate))
    called = hospital("dicom-node", "add", "b", *known, "--host", "10.1.2.9", "--port", "2762", "--tls")
    twice = hospital("dicom-node", "add", "a", *known)
    listed = hospital("dicom-node", "list").output.splitlines()
    removed = hospital("dicom-node", "remove", "a")
    again = hospital("dicom-node", "remove", "a")
    no_certificate = hospital("dicom-node", "add", "c", *known, "--certificate", str(key))

    assert added.output.startswith("Added a: PACS_A 10.1.2.0/24 ")
    assert called.output == "Added b: PACS_A 10.1.2.0/24 CN=pacs\n"
    assert (twice.exit_code, "is there already" in twice.output) == (1, True)
    assert [line.split("\t")[3:] for line in listed] == [["-", "TREAT"], ["10.1.2.9:2762 tls", "TREAT"]]
    assert removed.output == "Removed a\n"
    assert (again.exit_code, no_certificate.exit_code) == (1, 1)
    assert "is no certificate" in no_certificate.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--client", "nobody", "--title", "A", "--network", "10.0.0.1"), "No client is called nobody"),
        (("--client", "pacs-a", "--title", "A"), "by an address, a certificate or a subject"),
        (("--client", "pacs-a", "--title", "SEVENTEEN-LETTERS", "--network", "10.0.0.1"), "is no AE title"),
        (("--client", "pacs-a", "--title", "A", "--network", "10.0.0.1", "--host", "x"), "and a port"),
    ],
)
def test_a_node_is_refused_with_a_reason(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("dicom-node", "add", "a", *arguments)

    assert refused.exit_code == 1
    assert message in refused.output
