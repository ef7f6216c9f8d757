"""`renkei imaging-source`: where sites keep images themselves."""

from pathlib import Path

import pytest

from tests.app.cli.conftest import Renkei

KNOWN = ("--client", "pacs-a", "--wado", "http://127.0.0.1:9/dicom-web/", "--network", "127.0.0.1")


def test_a_source_is_added_listed_checked_and_removed(hospital: Renkei, tmp_path: Path) -> None:
    hospital("client", "add", "pacs-a", "--organisation", "hospital-a")
    token = tmp_path / "token"
    token.write_text("secret")

    added = hospital("imaging-source", "add", "a", *KNOWN, "--bearer", str(token), "--cache", "days:3")
    twice = hospital("imaging-source", "add", "a", *KNOWN)
    listed = hospital("imaging-source", "list").output
    checked = hospital("imaging-source", "check", "a")
    afterwards = hospital("imaging-source", "list").output
    indexed = hospital("imaging-source", "index", "a")
    kept = hospital("imaging-source", "store", "a")
    removed = hospital("imaging-source", "remove", "a")
    again = hospital("imaging-source", "remove", "a")

    assert added.output == "Added a\n"
    assert (twice.exit_code, "is there already" in twice.output) == (1, True)
    assert listed == "a\tpacs-a\thttp://127.0.0.1:9/dicom-web\tweb\tdays:3\tnew\t0\n"
    assert (checked.exit_code, "cannot be asked: ConnectError" in checked.output) == (1, True)
    assert "failing\t0\n" in afterwards
    assert indexed.exit_code == 1
    assert kept.output == "Kept: 0 instances, 0 bytes; 0 failed, 0 left\n"
    assert removed.output == "Removed a\n"
    assert again.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--client", "nobody", "--wado", "https://pacs.example"), "No client is called nobody"),
        (("--client", "a"), "Without an address of WADO-RS"),
        ((*KNOWN, "--cache", "sometimes"), "none, thumbnails, or days:N"),
        ((*KNOWN, "--network", "0.0.0.0/0"), "too wide"),
    ],
)
def test_a_source_is_refused_with_a_reason(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("imaging-source", "add", "a", *arguments)

    assert refused.exit_code == 1
    assert message in refused.output
