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


def test_a_source_that_nothing_listens_for_is_told_from_one_that_refuses(hospital: Renkei) -> None:
    hospital("client", "add", "pacs-a", "--organisation", "hospital-a")
    dimse = ("--get-by", "c-get", "--ae-title", "PACS", "--host", "127.0.0.1", "--port", "9")
    hospital("imaging-source", "add", "a", "--client", "pacs-a", *dimse, "--network", "127.0.0.1")

    checked = hospital("imaging-source", "check", "a").stdout
    hospital("imaging-source", "change", "a", "--network", "10.0.0.0/8")
    elsewhere = hospital("imaging-source", "check", "a").stdout

    assert checked == "C-FIND: The imaging source a cannot be asked: ConnectError\n"
    assert elsewhere == "C-FIND: The imaging source a leads outside the networks that it is registered with\n"


def test_a_source_is_changed_and_stays_what_it_is(hospital: Renkei) -> None:
    hospital("client", "add", "pacs-a", "--organisation", "hospital-a")
    hospital("imaging-source", "add", "a", *KNOWN, "--cache", "days:3")
    hospital("imaging-source", "check", "a")

    changed = hospital("imaging-source", "change", "a", "--cache", "thumbnails", "--wado", "http://127.0.0.1:8/pacs/")
    listed = hospital("imaging-source", "list").output
    refused = hospital("imaging-source", "change", "a", "--cache", "sometimes")
    nothing = hospital("imaging-source", "change", "a")
    unknown = hospital("imaging-source", "change", "b", "--seconds", "3")

    assert changed.output == "Changed a\n"
    assert listed.startswith("a\tpacs-a\thttp://127.0.0.1:8/pacs\tweb\tthumbnails\tfailing\t0\n")
    assert [one.exit_code for one in (refused, nothing, unknown)] == [1, 1, 1]


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
