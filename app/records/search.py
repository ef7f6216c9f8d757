"""search-type: https://hl7.org/fhir/R4/http.html#search."""

from collections.abc import Sequence
from urllib.parse import urlencode

import orjson

from app.identity.scope import patient_keys
from app.records.format import rendered, wanted
from app.records.parts import part_of
from app.records.record import known_type
from app.records.request import FhirRequest, decode_pairs
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue
from fhir.issue import Issue, outcome
from fhir.search.include import MOST_INCLUDED, MOST_STEPS, Included, included
from fhir.search.query import parse
from fhir.search.run import Page
from fhir.search.run import search as run
from fhir.subset import Subset, chosen

FORM_BYTES = 100_000
"""The largest form of a search by POST."""

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
) -> bytes:
    """Return the Bundle of a page; the resources in it are the stored bytes, or the part of them that is wanted."""
    base = f'{{"fullUrl":"{request.hub.settings.address}/fhir/'
    head = {"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}
    parts = [orjson.dumps(head)[:-1]]
    before = b',"entry":['
    for found, mode in ((page.matches, b"match"), (others.resources, b"include")):
        after = b',"search":{"mode":"%s"}}' % mode
        for one in found:
            body = part_of(one, subset, asked=found is page.matches)
            # Joined once at the end: bodies are large, and each sum of bytes would copy them.
            parts += (before, f'{base}{one.type}/{one.id}","resource":'.encode(), body, after)
            before = b","
    if others.cut:
        parts += (before, _CUT)
    # An empty array is not allowed in FHIR.
    parts.append(b"}" if len(parts) == 1 else b"]}")
    return b"".join(parts)


def _binding(request: FhirRequest, pairs: Sequence[tuple[str, str]]) -> str:
    """Return the caller and the query that a page link is good for; no query holds a NUL."""
    asked = "\0".join([text for pair in pairs for text in pair])
    return f"{request.caller_binding}|{request.type}?{asked}"


def _self(request: FhirRequest, asked: Sequence[tuple[str, str]], *, ignored: bool) -> str:
    """Return the query string of the search that was done: as it was sent, if all of it was done."""
    if ignored:
        return urlencode(asked)
    sent = request.query_string.decode("ascii")
    if "_cursor" not in sent:
        return sent
    return "&".join([part for part in sent.split("&") if not part.startswith("_cursor=")])


async def search_pairs(request: FhirRequest, pairs: list[tuple[str, str]]) -> Response:
    """Answer the search that `pairs` ask for."""
    settings = request.hub.settings
    query = parse(
        known_type(request.type),
        pairs,
        lenient=request.lenient,
        base_url=settings.address + "/fhir",
        most=settings.page_entries_limit,
    )
    subset = chosen(query.summary, query.elements, (query.type,))
    if query.summary == "text" and query.includes:
        raise InvalidValue("_summary=text cannot be combined with _include or _revinclude", "_summary")
    asked = [pair for pair in pairs if pair[0] != "_cursor" and pair not in query.ignored]
    own = _self(request, asked, ignored=bool(query.ignored))
    binding = _binding(request, asked)
    after = request.hub.cursors.open(query.cursor, binding) if query.cursor else None
    limit = settings.page_entries if query.count is None else query.count
    record = request.record
    page = await run(
        record.connection,
        record.visibility,
        query,
        patient_keys,
        limit=0 if query.summary == "count" else limit,
        after=after,
    )
    base_url = settings.address + "/fhir"
    others = await included(record.connection, record.visibility, page.matches, query.includes, base_url)
    record.disclosed += [*page.matches, *others.resources]
    address = f"{settings.address}/fhir/{request.type}"
    links = [{"relation": "self", "url": f"{address}?{own}" if own else address}]
    if page.after is not None:
        cursor = request.hub.cursors.seal(page.after, binding)
        links.append({"relation": "next", "url": f"{address}?{own}{'&' if own else ''}_cursor={cursor}"})
    return fhir_response(searchset(request, links, page, others, subset))


async def search(request: FhirRequest) -> Response:
    """Answer a search by GET."""
    request.check_accept()
    return await search_pairs(request, request.pairs)


async def search_by_post(request: FhirRequest) -> Response:
    """Answer a search by POST, whose parameters are a form and so reach no access log."""
    request.check_accept()
    form = await request.body(FORM_BYTES)
    request.query_string = b"&".join(part for part in (request.query_string, form) if part)
    request.check_accept()
    response = await search_pairs(request, decode_pairs(request.query_string))
    # The form may say how the answer is written; nobody after this one sees the form.
    written = wanted(request.headers.items(), request.query_string)
    return response if written is None else await rendered(response, written)
