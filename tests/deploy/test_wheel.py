"""What is installed without a checkout, as in the container, is whole."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "dicom", "fhir", "migrations")


def test_the_wheel_holds_every_file_of_the_rooms(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in [*tracked.split(), "pyproject.toml", "README.md", "LICENSE"]:
        if (ROOT / name).exists():
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "source" / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]

    subprocess.run([*build, "-w", tmp_path / "wheel", tmp_path / "source"], check=True)

    (wheel,) = (tmp_path / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    assert [name for name in tracked.split() if (ROOT / name).exists() and name not in held] == []
