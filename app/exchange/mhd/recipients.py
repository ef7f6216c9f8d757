"""For whom documents are meant: the hub keeps that and delivers to nobody, and says of whom it knows nothing.

https://profiles.ihe.net/ITI/MHD/ITI-65.html#2365413-expected-actions
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.exchange.mhd.profiles import RECIPIENT, extensions
from app.exchange.mhd.submission import Part
from app.records.own import read_named
from app.records.writing import Writing
from fhir.issue import Issue
from fhir.store.types import NUMBERS

_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def _named(part: Part) -> Iterator[tuple[int, str]]:
    for number, one in enumerate(extensions(part.tree, RECIPIENT)):
        yield number, str(one.get("valueReference", {}).get("reference", ""))


def is_active(resource: Mapping[str, Any]) -> bool:
    """Return whether a resource does not say that it is not active."""
    return resource.get("active") is not False


async def is_known(writing: Writing, link: str) -> bool:
    """Return whether a reference means an entry of the directory, or another resource that the caller may see.

    What says of itself that it is not active is as if it were not there.
    """
    named = _REFERENCE.fullmatch(link)
    if named is None or named[1] not in NUMBERS:
        return False
    found = await read_named(writing, named[1], named[2])
    return found is not None and is_active(orjson.loads(found.body))


async def warnings(writing: Writing, part: Part) -> list[Issue]:
    """Return a warning for each intended recipient of a SubmissionSet: none of them is told of it by the hub."""
    found = []
    for number, link in _named(part):
        known = await is_known(writing, link)
        text = (
            "UnavailableRecipient: documents are kept for the recipient, who is not told"
            if known
            else "UnknownRecipient: the directory has no such recipient; documents are kept"
        )
        code = "not-supported" if known else "not-found"
        found.append(Issue("warning", code, f"{part.path}.extension[{number}]", text))
    return found
