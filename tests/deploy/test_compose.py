"""The composition of containers, read as the engines read it; none of them runs here."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONTAINERFILE = (FOLDER.parent / "Containerfile").read_text()


def test_what_is_composed() -> None:
    assert sorted(SERVICES) == ["hub", "migrate", "nginx", "postgresql"]


def test_only_nginx_is_reached_from_outside() -> None:
    assert {name: service.get("ports") for name, service in SERVICES.items()} == {
        "hub": None,
        "migrate": None,
        "nginx": ["443:8443"],
        "postgresql": None,
    }
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgresql"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_gains_privileges(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["hub", "migrate", "nginx"])
def test_our_services_write_nothing_into_their_image_and_hold_no_capability(name: str) -> None:
    service = SERVICES[name]

    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_the_hub_trusts_the_network_it_shares_with_nginx_and_no_other() -> None:
    trusted = SERVICES["hub"]["environment"]["RENKEI_TRUSTED_PROXIES"]

    assert trusted == COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert [name for name, service in SERVICES.items() if "front" in service["networks"]] == ["hub", "nginx"]


def test_every_variable_is_a_setting() -> None:
    said = {name for service in ("hub", "migrate") for name in SERVICES[service]["environment"]}
    in_image = set(re.findall(r"RENKEI_\w+", CONTAINERFILE))

    known = {f"RENKEI_{name.upper()}" for name in Settings.model_fields} | {"RENKEI_SECRETS_DIR"}
    assert (said | in_image) - known == set()


def test_there_is_no_password_but_in_the_secrets() -> None:
    written = (FOLDER / "compose.yaml").read_text() + CONTAINERFILE

    assert re.findall(r"(?im)^.*(?:password|secret)\w*[:=] *[\"']?\w+[\"']?$", written) == []
    assert sorted(COMPOSE["secrets"]) == [
        *("client_authority", "client_revoked", "postgresql_password", "renkei_database"),
        *("tls_certificate", "tls_key"),
    ]


def test_every_file_that_is_mounted_exists() -> None:
    mounted = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())]
    files = [path for path in mounted if path.startswith(".")]

    assert len(files) == 8
    assert [path for path in files if not (FOLDER / path).exists()] == []


def test_secrets_are_made_once_and_fit_each_other(tmp_path: Path) -> None:
    command = ["sh", FOLDER / "secrets.sh", tmp_path / "secrets"]
    first = subprocess.run(command, check=True, capture_output=True, text=True)
    password = (tmp_path / "secrets" / "postgresql_password").read_text().strip()
    subprocess.run(command, check=True, capture_output=True)

    again = Settings(_secrets_dir=tmp_path / "secrets")

    assert len(password) == 48
    assert again.database == f"postgresql://renkei:{password}@postgresql/renkei"
    assert oct((tmp_path / "secrets").stat().st_mode & 0o777) == "0o700"
    missing = re.findall(r"\w+$", first.stderr, re.MULTILINE)
    assert missing == ["tls_certificate", "tls_key", "client_authority", "client_revoked"]


def test_the_image_runs_as_a_numbered_user_and_checks_hashes() -> None:
    users = re.findall(r"^USER (.+)$", CONTAINERFILE, re.MULTILINE)
    installs = re.findall(r"pip install (.+?)(?: \\)?$", CONTAINERFILE, re.MULTILINE)

    assert users == ["10001:10001"]
    assert installs == [
        "--require-hashes --no-deps --only-binary :all: -r requirements.lock",
        "--no-deps --no-build-isolation .",
    ]


def test_the_image_gets_every_room_of_the_code() -> None:
    copied = set(re.findall(r"^COPY (\w+) \w+$", CONTAINERFILE, re.MULTILINE))
    rooms = {path.parent.name for path in FOLDER.parents[1].glob("*/__init__.py")} - {"benchmarks", "tests"}

    assert copied == rooms == {"app", "dicom", "fhir", "migrations"}
