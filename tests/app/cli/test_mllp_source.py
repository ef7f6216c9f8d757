"""`renkei mllp-source`: who sends HL7 v2 messages, and from where."""

from pathlib import Path

import pytest

from tests.app.cli.conftest import Renkei
from tests.certificates import Authority


def test_a_source_is_added_listed_and_removed(hospital: Renkei, tmp_path: Path) -> None:
    hospital("client", "add", "ehr-a", "--organisation", "hospital-a")
    certificate, key = Authority(tmp_path).issue("ehr")
    known = ("--client", "ehr-a", "--network", "10.1.2.0/24", "--subject", "CN=ehr", "--facility", "A")

    added = hospital("mllp-source", "add", "a", *known, "--certificate", str(certificate))
    twice = hospital("mllp-source", "add", "a", *known)
    listed = hospital("mllp-source", "list").output
    removed = hospital("mllp-source", "remove", "a")
    again = hospital("mllp-source", "remove", "a")
    no_certificate = hospital("mllp-source", "add", "b", *known, "--certificate", str(key))

    assert added.output.startswith("Added a: 10.1.2.0/24 ")
    assert (twice.exit_code, "is there already" in twice.output) == (1, True)
    name, client, known_by, application, facility, purpose = listed.strip().split("\t")
    assert (name, client, application, facility, purpose) == ("a", "ehr-a", "*", "A", "TREAT")
    assert known_by.split(" ")[0::2] == ["10.1.2.0/24", "CN=ehr"]
    assert removed.output == "Removed a\n"
    assert (again.exit_code, no_certificate.exit_code) == (1, 1)
    assert "is no certificate" in no_certificate.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--client", "nobody", "--network", "10.0.0.1"), "No client is called nobody"),
        (("--client", "ehr-a"), "by an address, a certificate or a subject"),
        (("--client", "ehr-a", "--network", "10.0.0.1/8"), "is no address and no network"),
        (("--client", "ehr-a", "--network", "10.0.0.1", "--purpose", "FUN"), "is no purpose of use"),
    ],
)
def test_a_source_is_refused_with_a_reason(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("mllp-source", "add", "a", *arguments)

    assert refused.exit_code == 1
    assert message in refused.output
