"""What a source fails with, as a caller of the hub is told: the hub is well, the site's PACS is not.

The words name the source by the name that the operator gave it, never an address.
"""

from typing import Self

from app.imaging.sources.words import Said, noted, sentence
from fhir.errors import FhirError


class SourceFailed(FhirError):
    """The source could not be asked, or its answer cannot be used.

    Attributes:
        said: Which sentence says so, and its detail; None for one that is none of `SENTENCES`.
    """

    status = 502
    code = "transient"
    said: Said | None = None

    @classmethod
    def because(cls, name: str, why: str, detail: object = "") -> Self:
        """Return the failure of a source that a sentence of `SENTENCES` tells."""
        failure = cls(sentence(why, name, detail))
        failure.said = Said(why, str(detail))
        return failure

    @property
    def noted(self) -> str:
        """The text that is kept of it."""
        return noted(self.said) if self.said is not None else str(self)


class SourceSlow(SourceFailed):
    """The source does not answer in time."""

    status = 504
    code = "timeout"


class SourceBusy(SourceFailed):
    """As many requests as the source may have are under way, or it has failed again and again."""

    status = 503
    code = "throttled"


class Untrue(SourceFailed):
    """The source answers something else than it was asked for: the line to it is sound."""

    code = "processing"


class NotThere(Untrue):
    """The source does not have it any more."""
