"""Conditional reads: whether the caller has the version already. https://hl7.org/fhir/R4/http.html#cread."""

from email.utils import parsedate_to_datetime

from app.records.request import FhirRequest
from fhir.store.stored import Stored


def has_it(request: FhirRequest, found: Stored) -> bool:
    """Return whether the caller says that it has this version already: then it is answered 304, without a body.

    `If-Modified-Since` counts only without `If-None-Match`, as HTTP says; a date that is none is as if it were not
    there. https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    tags = request.headers.get(b"if-none-match")
    if tags is not None:
        own = b'"%d"' % found.version
        return any(tag.strip().removeprefix(b"W/") in (own, b"*") for tag in tags.split(b","))
    since = request.headers.get(b"if-modified-since")
    if since is None:
        return False
    try:
        instant = parsedate_to_datetime(since.decode("latin-1"))
    except ValueError:
        return False
    return found.last_updated // 1_000_000 <= instant.timestamp()
