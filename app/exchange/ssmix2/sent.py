"""Files as they were sent, and all of a batch understood: what a process beside the hub's own does."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.document import understand_document
from app.exchange.ssmix2.understand import Refused, Understood, understand

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent."""

    path: str
    body: bytes = b""
    parts: tuple[tuple[str, bytes], ...] | None = None
    """The files of a content folder, each with its name, instead of `body`."""

    @property
    def patient(self) -> str:
        """The folder of its patient."""
        return "/".join(self.path.split("/")[:3])


def understand_all(sent: Sequence[Sent], source: Source) -> list[Understood | Refused]:
    """Return what files say, in their order."""
    return [_understood(one, source) for one in sent]


def _understood(one: Sent, source: Source) -> Understood | Refused:
    try:
        if one.parts is None:
            return understand(one.path, one.body, source)
        return understand_document(one.path, one.parts, source)
    except Exception as error:
        # A fault of ours: it stops no other file, and somebody must hear of it.
        logger.exception("A file cannot be understood")
        return Refused(one.path, (Finding("", 0, 0, f"the hub failed at this file: {type(error).__name__}"),))
