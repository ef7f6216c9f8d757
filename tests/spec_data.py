"""Where the published examples lie that tests/spec reads; they are not part of the project.

`RENKEI_SPEC_DATA` names the folder. Where it is absent the tests are left out and the end of the run says so; on
continuous integration its absence is a failure (tests/conftest.py).
"""

import os
from pathlib import Path

SPEC_DATA = Path(os.environ.get("RENKEI_SPEC_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
"""The folder of published examples."""
