"""Retrieve Document (ITI-68): the bytes of a Binary as they were sent, unless FHIR is asked for.

https://profiles.ihe.net/ITI/MHD/ITI-68.html, https://hl7.org/fhir/R4/binary.html#rest

What a sender says that its bytes are is no reason to run them: they are offered as a file, in a sandbox.
"""

import re

import orjson

from app.exchange.mhd.attachments import media_type, octets_of
from app.records.accept import JSON_TYPES, XML_TYPES, fits, ranges
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, Response, http_date
from app.records.unchanged import has_it
from fhir.errors import NotAcceptable
from fhir.store.stored import Stored

UNKNOWN = "application/octet-stream"

_SENT_AS = re.compile(r"[!-~]+(?: ?[!-~]+)*")
"""Media types that a header may carry."""

_FHIR = JSON_TYPES | XML_TYPES
_ALWAYS_FHIR = frozenset({"application/fhir+json", "application/fhir+xml"})
"""Who accepts these wants the resource, even where its bytes are FHIR themselves."""


def is_raw(accept: bytes, content_type: str) -> bool:
    """Return whether the bytes are wanted rather than the resource that holds them.

    Args:
        accept: The header; who sends none wants the bytes, and who takes anything too.
        content_type: The media type of the bytes, in small letters.

    Raises:
        NotAcceptable: neither is wanted.
    """
    if not accept.strip():
        return True
    raw = resource = (-1, 0.0)
    for kind, quality in ranges(accept.decode("latin-1")):
        if kind in _ALWAYS_FHIR or (kind in _FHIR and kind != content_type):
            resource = max(resource, (2, quality))
        else:
            raw = max(raw, (fits(kind, frozenset({content_type})), quality))
    wanted, other = (quality if rank >= 0 else 0.0 for rank, quality in (raw, resource))
    if not wanted and not other:
        raise NotAcceptable(f"The document is {content_type}; as a resource it is FHIR JSON or XML")
    return wanted >= other


def document_response(request: FhirRequest, found: Stored) -> Response | None:
    """Return the answer that is the bytes of a Binary; None when the resource is asked for.

    Raises:
        NotAcceptable: neither is wanted.
    """
    if found.type != "Binary" or request.nested or any(name == "_format" for name, _ in request.pairs):
        return None
    if b"authorization" not in request.headers:
        # A page of this origin could load what a browser gets by its cookie; people have the portal for documents.
        return None
    binary = orjson.loads(found.body)
    stated = str(binary.get("contentType", ""))
    if not is_raw(request.headers.get(b"accept", b""), media_type(stated)):
        return None
    sent_as = stated if len(stated) <= 200 and _SENT_AS.fullmatch(stated) else UNKNOWN
    headers = [
        (b"content-type", sent_as.encode()),
        PRIVATE,
        NO_SNIFF,
        (b"content-disposition", b"attachment"),
        (b"content-security-policy", b"sandbox; default-src 'none'; frame-ancestors 'none'"),
        (b"etag", b'W/"%d"' % found.version),
        (b"last-modified", http_date(found.last_updated // 1_000_000)),
        (b"vary", b"accept"),
    ]
    if has_it(request, found):
        return Response(304, b"", headers)
    return Response(200, octets_of(binary), headers)
