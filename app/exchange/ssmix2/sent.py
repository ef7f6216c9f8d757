"""Files as they were sent, and all of a batch understood: what a process beside the hub's own does."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.document import understand_document
from app.exchange.ssmix2.understand import Refused, Understood, understand


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
    return [
        understand(one.path, one.body, source)
        if one.parts is None
        else understand_document(one.path, one.parts, source)
        for one in sent
    ]
