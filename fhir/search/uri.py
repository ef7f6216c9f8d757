"""URI search: exact and case-sensitive.

https://hl7.org/fhir/R4/search.html#uri
"""

from typing import Any

from fhir.search.hashing import hash64
from fhir.search.values import UriValue, unescape

Row = tuple[int, str]
"""`hash64` of the URI, and the URI."""


def of_uri(value: Any) -> list[Row]:
    """Return the row of a uri or url."""
    return [(hash64(value), value)] if type(value) is str else []


def of_canonical(value: Any) -> list[Row]:
    """Return the rows of a canonical: as it is, and without its version."""
    if type(value) is not str:
        return []
    url, bar, _ = value.partition("|")
    return [(hash64(value), value), (hash64(url), url)] if bar else [(hash64(value), value)]


EXTRACTORS = {"uri": of_uri, "url": of_uri, "canonical": of_canonical}


def parse(text: str) -> UriValue:
    """Return the URI a query asks for; a `|` in it is part of a canonical, not a separator."""
    uri = unescape(text)
    return UriValue(hash64(uri), uri)
