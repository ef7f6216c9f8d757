"""URI search: exact and case-sensitive.

https://hl7.org/fhir/R4/search.html#uri
"""

from typing import Any

from fhir.errors import InvalidValue
from fhir.search.hashing import hash64
from fhir.search.values import AncestorsValue, UriValue, unescape

Row = tuple[int, str]
"""`hash64` of the URI, and the URI."""


DEEPEST = 20
"""Steps of a path that `:above` goes up."""


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


def parse_above(text: str) -> AncestorsValue:
    """Return the URI and what its path is below: of `http://a/b/c`, `http://a/b` and `http://a`.

    Raises:
        InvalidValue: The path has more than `DEEPEST` steps.
    """
    uri = unescape(text)
    scheme, colons, path = uri.partition("://")
    steps = path.rstrip("/").split("/") if colons else []
    if len(steps) > DEEPEST:
        raise InvalidValue(f"a path of more than {DEEPEST} steps: {text[:100]!r}")
    above = [f"{scheme}://{'/'.join(steps[:number])}" for number in range(len(steps), 0, -1)]
    return AncestorsValue(tuple(dict.fromkeys([uri, *(text for one in above for text in (one, f"{one}/"))])))
