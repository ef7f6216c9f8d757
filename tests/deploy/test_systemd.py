"""The unit of systemd, by systemd's own word."""

import re
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNIT = UNITS / "renkei.service"


@pytest.fixture(params=["renkei.service", "renkei-gateway.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, but for a program that is not installed here."""
    made = tmp_path / request.param
    made.write_text((UNITS / request.param).read_text().replace("/opt/renkei/.venv/bin/renkei", "/bin/true"))
    return made


def test_systemd_understands_every_line(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_less_exposed_than_systemd_calls_ok(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", unit]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    exposure = re.search(rf"Overall exposure level for {unit.name}: ([\d.]+)", shown)

    assert exposure is not None
    assert float(exposure[1]) <= 1.5


def test_the_database_is_migrated_before_the_hub_serves() -> None:
    starts = re.findall(r"^(ExecStart\w*)=(.*)", UNIT.read_text(), re.MULTILINE)

    assert starts == [
        ("ExecStartPre", "/opt/renkei/.venv/bin/renkei migrate"),
        ("ExecStart", "/opt/renkei/.venv/bin/renkei serve"),
    ]
