"""The folder of dead letters: a copy of each file that the hub has refused, and beside it why."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.flush import write_whole

REASON = ".reason.json"

Findings = Sequence[Mapping[str, Any]]


class DeadLetters:
    """The dead letters of one gateway.

    Args:
        folder: Where they lie; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _place(self, path: str) -> Path:
        # The whole path tells letters apart; the name tells a person which one it is.
        digest = hashlib.sha256(path.encode()).hexdigest()[:16]
        name = path.rpartition("/")[2].encode("utf-8", "replace").decode()
        return self._folder / f"{digest}-{name[:60].replace('^', '-')}"

    def put(self, path: str, body: bytes, findings: Findings) -> None:
        """Keep a file that was refused, and why."""
        place = self._place(path)
        told = {"path": path, "findings": list(findings)}
        text = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
        write_whole(place, body, mode=0o600)
        write_whole(place.with_name(place.name + REASON), text.encode(), mode=0o600)

    def remove(self, path: str) -> None:
        """Remove a letter that the hub has taken after all; there may be none."""
        place = self._place(path)
        place.with_name(place.name + REASON).unlink(missing_ok=True)
        place.unlink(missing_ok=True)

    def reasons(self) -> list[tuple[str, Findings]]:
        """Return the paths of the letters, each with why it was refused."""
        found = [json.loads(place.read_text()) for place in sorted(self._folder.glob(f"*{REASON}"))]
        return [(str(one["path"]), one["findings"]) for one in found]
