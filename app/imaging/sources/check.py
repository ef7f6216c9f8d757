"""Asking a source whether it answers, by each way it is registered with."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from app.imaging.sources.dimse import find
from app.imaging.sources.failures import NotThere, SourceFailed, Untrue
from app.imaging.sources.line import Line
from app.imaging.sources.source import Registered
from app.imaging.sources.web import fetch_json

if TYPE_CHECKING:
    from app.hub import Hub

NOBODY = "1.2.826.0.1.3680043.10.1.0"
"""A UID that no study has."""


async def check(hub: "Hub", registered: Registered) -> list[tuple[str, str]]:
    """Return each way of asking, and how it fails; an empty text when it does not."""
    line = hub.held.line(registered.source)
    source = registered.source
    found: list[tuple[str, str]] = []
    if source.wado:
        found.append(("WADO-RS", await _failure(line, fetch_json(line, source.wado, f"/studies/{NOBODY}/metadata"))))
    if source.qido:
        asked = fetch_json(line, source.qido, "/studies", [("StudyInstanceUID", NOBODY)])
        found.append(("QIDO-RS", await _failure(line, asked)))
    if source.host:
        found.append(("C-FIND", await _failure(line, find(line, "STUDY", {"StudyInstanceUID": NOBODY}))))
    return found


async def _failure(line: Line, asked: Awaitable[object]) -> str:
    try:
        async with line.asking():
            await asked
    except NotThere:
        # Whoever says that it has no such study is well.
        return ""
    except (Untrue, SourceFailed) as error:
        return str(error)
    return ""
