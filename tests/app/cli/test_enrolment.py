import json
import stat
from pathlib import Path

import pytest

from app.settings import Settings
from tests.app.cli.conftest import Renkei


def test_an_organisation_is_listed_once_it_was_added(hospital: Renkei) -> None:
    listed = hospital("organisation", "list")

    assert listed.output.splitlines() == [
        "hospital-a\thospital\t0110000001\thospital-a",
        "clinic-c\tclinic\t0110000002\tclinic-c",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hospital-a", "--kind", "hospital"), "is there already"),
        (("Hospital", "--kind", "hospital"), "is no slug"),
        (("hospital-b", "--kind", "hospital", "--number", "123"), "not the ten digits"),
    ],
    ids=["twice", "capitals", "short number"],
)
def test_an_organisation_is_refused_with_a_reason(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("organisation", "add", *arguments, "--title", "x")

    assert refused.exit_code == 1
    assert message in refused.output


def test_a_client_gets_a_key_that_only_its_owner_may_read(hospital: Renkei, settings: Settings) -> None:
    added = hospital("client", "add", "ehr-a", "--organisation", "hospital-a")

    key = settings.keys_folder / "clients" / "ehr-a.json"
    assert added.exit_code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert json.loads(key.read_text())["crv"] == "P-384"


def test_a_client_may_bring_its_own_public_keys(hospital: Renkei, settings: Settings, tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text('{"keys": []}')

    added = hospital("client", "add", "ehr-b", "--organisation", "hospital-a", "--jwks", str(jwks))

    assert added.output == "Added ehr-b\n"
    assert not (settings.keys_folder / "clients" / "ehr-b.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--organisation", "nowhere"), "No organisation is called nowhere"),
        (("--organisation", "hospital-a", "--role", "king"), "is no role"),
    ],
    ids=["unknown organisation", "unknown role"],
)
def test_a_client_is_refused_with_a_reason(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("client", "add", "ehr-x", *arguments)

    assert refused.exit_code == 1
    assert message in refused.output


def test_a_person_gets_a_first_password(hospital: Renkei) -> None:
    added = hospital(
        *("user", "add", "sato", "--organisation", "hospital-a", "--title", "佐藤 花子", "--role", "doctor")
    )

    password = added.output.split("first password: ")[1].strip()
    assert added.exit_code == 0
    assert len(password) >= 13


def test_a_weak_first_password_is_refused(hospital: Renkei) -> None:
    arguments = ("--organisation", "hospital-a", "--title", "x", "--role", "doctor", "--password-stdin")

    refused = hospital("user", "add", "sato", *arguments, input="short\n")

    assert refused.exit_code == 1
    assert "13 characters" in refused.output


def test_the_organisation_is_in_the_directory(hospital: Renkei) -> None:
    again = hospital("reindex", "--type", "Organization", "--again")

    assert again.exit_code == 0
    assert "2 resources" in again.output


def test_an_app_with_a_secret_is_told_it_once(hospital: Renkei) -> None:
    redirect = ("--kind", "app", "--redirect-uri", "https://app.example/callback")
    by_secret = ("--authentication", "client_secret_basic")

    added = hospital("client", "add", "growth", "--organisation", "hospital-a", *redirect, *by_secret)
    twice = hospital("client", "add", "growth", "--organisation", "hospital-a", *redirect, *by_secret)

    assert added.exit_code == 0
    assert len(added.output.strip().partition("; its secret: ")[2]) > 30
    assert twice.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "app", "--authentication", "none"), "has redirect addresses"),
        (("--kind", "app", "--redirect-uri", "http://app.example/"), "a redirect address is https"),
        (("--scopes", "user/*.rs"), "it has system/ scopes alone"),
        (("--authentication", "client_secret_basic", "--jwks-url", "https://a.example/"), "by private_key_jwt"),
    ],
)
def test_a_client_that_cannot_be_meant_is_refused(hospital: Renkei, arguments: tuple[str, ...], message: str) -> None:
    refused = hospital("client", "add", "growth", "--organisation", "hospital-a", *arguments)

    assert refused.exit_code == 1
    assert message in refused.output


def test_a_client_is_disabled_and_a_key_rotated(hospital: Renkei, settings: Settings) -> None:
    hospital("client", "add", "ehr-a", "--organisation", "hospital-a")

    disabled, unknown = hospital("client", "disable", "ehr-a"), hospital("client", "disable", "nobody")
    for _ in range(3):
        rotated = hospital("client", "rotate-key")

    assert (disabled.exit_code, unknown.exit_code, rotated.exit_code) == (0, 1, 0)
    assert "No client is called nobody" in unknown.output
    assert len(list((settings.keys_folder / "identity").glob("*.json"))) == 2


def test_an_identifier_domain_is_a_site_s_until_that_is_taken_back(hospital: Renkei) -> None:
    added = hospital("organisation", "domain", "hospital-a", "urn:oid:1.2.3")
    listed = hospital("organisation", "domains")
    removed = hospital("organisation", "domain", "hospital-a", "urn:oid:1.2.3", "--remove")
    again = hospital("organisation", "domain", "hospital-a", "urn:oid:1.2.3", "--remove")
    wrong = hospital("organisation", "domain", "hospital-a", "1.2.3")

    assert added.output == "urn:oid:1.2.3 is now a domain of hospital-a\n"
    assert listed.output == "urn:oid:1.2.3\thospital-a\n"
    assert removed.exit_code == 0
    assert (again.exit_code, wrong.exit_code) == (1, 1)
    assert "is no system of identifiers" in wrong.output
