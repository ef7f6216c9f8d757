"""The JavaScript clients of the tests, installed from their lock file, and the programs that use them."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

LISTED = Path(__file__).parent / "npm"
NODE, NPM = shutil.which("node"), shutil.which("npm")


def installed() -> Path:
    """Return the folder in which `node_modules` and the programs are; it is made when it is not there yet."""
    lock = b"".join(path.read_bytes() for path in sorted(LISTED.iterdir()))
    place = Path(tempfile.gettempdir()) / f"renkei-npm-{os.getuid()}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            made = Path(folder) / "made"
            made.mkdir()
            for name in ("package.json", "package-lock.json", "read.mjs", "hl7.mjs"):
                shutil.copy(LISTED / name, made)
            command = [str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(command, cwd=made, check=True, timeout=300)
            try:
                made.rename(place)
            except OSError:
                # Another process was as fast.
                assert place.exists()
    return place
