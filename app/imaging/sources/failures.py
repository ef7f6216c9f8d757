"""What a source fails with, as a caller of the hub is told: the hub is well, the site's PACS is not.

The words name the source by the name that the operator gave it, never an address.
"""

from fhir.errors import FhirError


class SourceFailed(FhirError):
    """The source could not be asked, or its answer cannot be used."""

    status = 502
    code = "transient"


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
