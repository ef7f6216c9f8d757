"""What a caller accepts: `Accept` with its qualities, `_format`, which is stronger, and `Accept-Encoding`.

https://hl7.org/fhir/R4/http.html#mime-type, https://www.rfc-editor.org/rfc/rfc9110#section-12.5
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from fhir.errors import NotAcceptable

PLAIN = frozenset({b"", b"application/fhir+json", b"application/json", b"*/*"})
"""What `Accept` says when nothing but JSON is meant."""

JSON_TYPES = frozenset({"json", "application/fhir+json", "application/json", "text/json"})
XML_TYPES = frozenset({"xml", "application/fhir+xml", "application/xml", "text/xml"})
_VERSION = re.compile(r'fhirversion\s*=\s*"?\s*(?:4\.0|r4)\b', re.IGNORECASE)
_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.IGNORECASE)


@lru_cache(maxsize=1024)
def wants_xml(accept: bytes, format: str | None) -> bool:
    """Return whether XML is wanted rather than JSON, which is written when both are wanted alike.

    Args:
        accept: The header.
        format: The parameter `_format`, which overrides it: `json`, `xml`, or as the header.

    Raises:
        NotAcceptable: neither is wanted.
    """
    # A plus that was not escaped in an address has become a space.
    asked = accept.decode("latin-1") if format is None else format.strip().replace("fhir ", "fhir+")
    if not asked.strip():
        return False
    json = xml = (-1, 0.0)
    for kind, quality in ranges(asked):
        json = max(json, (fits(kind, JSON_TYPES), quality))
        xml = max(xml, (fits(kind, XML_TYPES), quality))
    best_json, best_xml = (quality if rank >= 0 else 0.0 for rank, quality in (json, xml))
    if not best_json and not best_xml:
        text = "Resources are written as application/fhir+json and application/fhir+xml, of FHIR version 4.0"
        raise NotAcceptable(text, None if format is None else "_format")
    return best_xml > best_json


def ranges(text: str) -> Iterator[tuple[str, float]]:
    """Yield media ranges with their qualities; those of another version of FHIR are left out."""
    for one in text.split(","):
        kind, *parameters = one.split(";")
        quality = 1.0
        for parameter in parameters:
            if match := _QUALITY.fullmatch(parameter):
                quality = float(match[1])
        if "fhirversion" not in one.lower() or _VERSION.search(one):
            yield kind.strip().lower(), quality


def fits(kind: str, types: frozenset[str]) -> int:
    """Return how closely a range means a format, more is closer; -1 if it does not."""
    if kind in types:
        return 2
    if kind in ("*/*", "*"):
        return 0
    return 1 if kind.endswith("/*") and any(one.startswith(kind[:-1]) for one in types) else -1


@lru_cache(maxsize=1024)
def takes_gzip(encoding: bytes) -> bool:
    """Return whether `Accept-Encoding` allows gzip."""
    return any(kind == "gzip" and quality > 0 for kind, quality in ranges(encoding.decode("latin-1")))
