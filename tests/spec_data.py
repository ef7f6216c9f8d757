"""Where the published examples lie that tests/spec reads; they are not part of the project.

`RENKEI_SPEC_DATA` names the folder. Where it is absent the tests are left out and the end of the run says so; on
continuous integration its absence is a failure (tests/conftest.py).
"""

import functools
import json
import os
import tarfile
from pathlib import Path
from typing import Any

SPEC_DATA = Path(os.environ.get("RENKEI_SPEC_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
"""The folder of published examples."""


@functools.cache
def package(path: Path) -> dict[str, Any]:
    """Return what a published package holds, by the names of its files; nobody changes it."""
    with tarfile.open(path) as archive:
        names = [one for one in archive if one.name.endswith(".json")]
        return {one.name.removeprefix("package/"): json.load(archive.extractfile(one) or archive) for one in names}
