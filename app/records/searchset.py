"""The Bundle of a search: https://hl7.org/fhir/R4/bundle.html#searchset."""

from collections.abc import Sequence
from typing import Any

import orjson

from app.records.parts import part_of
from app.records.request import FhirRequest
from fhir.issue import Issue, outcome
from fhir.search.include import MOST_INCLUDED, MOST_STEPS, Included
from fhir.search.run import Page
from fhir.subset import Subset

_CUT = orjson.dumps(
    {
        "resource": outcome(
            [
                Issue(
                    "warning",
                    "too-costly",
                    "",
                    f"Not all is included: a page includes {MOST_INCLUDED} resources and follows {MOST_STEPS} steps at "
                    "most. Ask for smaller pages (_count), or for what is missing by searches of its own.",
                )
            ]
        ),
        "search": {"mode": "outcome"},
    }
)
"""The entry of a page that does not include all that was asked for."""


def searchset(
    request: FhirRequest,
    links: Sequence[dict[str, str]],
    page: Page,
    others: Included,
    subset: Subset | None = None,
    warning: bytes | None = None,
) -> bytes:
    """Return the Bundle of a page; the resources in it are the stored bytes, or the part of them that is wanted.

    `warning` is an entry about the search itself, behind all others.
    """
    base = f'{{"fullUrl":"{request.hub.settings.address}/fhir/'
    head: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}
    if page.total is None:
        del head["total"]
    parts = [orjson.dumps(head)[:-1]]
    before = b',"entry":['
    for found, mode in ((page.matches, b"match"), (others.resources, b"include")):
        after = b',"search":{"mode":"%s"}}' % mode
        for one in found:
            body = part_of(one, subset, asked=found is page.matches)
            # Joined once at the end: bodies are large, and each sum of bytes would copy them.
            parts += (before, f'{base}{one.type}/{one.id}","resource":'.encode(), body, after)
            before = b","
    for outcome_entry in (_CUT if others.cut else None, warning):
        if outcome_entry is not None:
            parts += (before, outcome_entry)
            before = b","
    # An empty array is not allowed in FHIR.
    parts.append(b"}" if len(parts) == 1 else b"]}")
    return b"".join(parts)
