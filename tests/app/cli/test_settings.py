"""Settings that cannot be used are a message, never the defaults."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RENKEI_ENV_FILE", "absent.env", "Error: RENKEI_ENV_FILE names absent.env, which is not there\n"),
        ("RENKEI_SECRETS_DIR", "absent", "Error: RENKEI_SECRETS_DIR names absent, which is not there\n"),
        (
            "RENKEI_PORT",
            "eighty",
            f"Error: These settings cannot be used. port: {NO_NUMBER}\n",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_command(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "migrate"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), variable: value},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, message)
    assert list(tmp_path.iterdir()) == []
