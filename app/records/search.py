"""search: of a type, of several types, of a compartment. https://hl7.org/fhir/R4/http.html#search."""

from collections.abc import Sequence
from urllib.parse import urlencode

from app.exchange.mhd.asked import by_their_ids, check_asked
from app.exchange.pdqm.restricted import about_unknown, domains_of, restricted
from app.identity.scope import patient_keys
from app.records.enumeration import asking
from app.records.format import written_for
from app.records.listed import listed
from app.records.page_links import links, opened
from app.records.query import read_query
from app.records.record import known_type
from app.records.request import FhirRequest, decode_pairs
from app.records.response import FhirResponse, Response, fhir_response
from app.records.searchset import searchset
from app.records.terminology.search import with_terms
from fhir.errors import InvalidValue, NotSearched, UnknownParameter
from fhir.search import compartment
from fhir.search.compartment import Compartment
from fhir.search.control import once
from fhir.search.include import included
from fhir.search.query import Query
from fhir.search.run import search_types
from fhir.store.types import NUMBERS
from fhir.subset import chosen

FORM_BYTES = 100_000
"""The largest form of a search by POST."""

Pairs = Sequence[tuple[str, str]]


def _place(request: FhirRequest) -> list[str]:
    """Return the path below `/fhir` of what is searched."""
    return [part for part in (request.type, request.id, request.member) if part]


def _self(request: FhirRequest, asked: Pairs, *, ignored: bool) -> str:
    """Return the query string of the search that was done: as it was sent, if all of it was done."""
    if ignored:
        return urlencode(asked)
    sent = request.query_string.decode("ascii")
    if "_cursor" not in sent:
        return sent
    return "&".join([part for part in sent.split("&") if not part.startswith("_cursor=")])


def _types(request: FhirRequest, pairs: Pairs) -> tuple[str, ...]:
    """Return the types that are searched.

    Raises:
        NotFound: the address names no type of R4, no compartment, or a type that is not in it.
        InvalidValue: `_type` names no type, or stands where the address names one already.
    """
    inside = bool(request.member)
    named = request.member if inside else request.type
    stated = once(pairs, "_type")
    if named not in ("", "*"):
        if stated is not None:
            raise InvalidValue("The address names the type already", "_type")
        if inside:
            compartment.shape(request.type, known_type(named))
        if named not in NUMBERS:
            raise NotSearched(f"{named} is not a resource type of R4")
        return (named,)
    known = compartment.types(known_type(request.type)) if inside else tuple(NUMBERS)
    if stated is None:
        return known
    wanted = tuple(dict.fromkeys(stated.split(",")))
    for name in wanted:
        if name not in known:
            raise InvalidValue(f"_type: {name!r} is not a resource type here", "_type")
    return wanted


def _queries(request: FhirRequest, types: Sequence[str], pairs: Pairs) -> list[Query]:
    """Return the question to each type.

    Raises:
        UnknownParameter: a type lacks a parameter; though lenient, since others have it: the answer would mix what was
            restricted with what was not.
    """
    settings = request.hub.settings
    queries = [
        read_query(request.hub, name, pairs, lenient=request.lenient, most=settings.page_entries_limit)
        for name in types
    ]
    for query in queries:
        if query.ignored != queries[0].ignored:
            (name, _), *_ = set(query.ignored) ^ set(queries[0].ignored)
            raise UnknownParameter(f"Not all of the types searched have the parameter {name!r}", name)
    return queries


async def _asked(request: FhirRequest, pairs: Pairs, types: Sequence[str], as_of: int | None) -> list[Query]:
    """Return what is searched for; of the instant `as_of` is what a List names."""
    plain = [pair for pair in pairs if pair[0] != "_type"]
    if all(name != "_list" for name, _ in plain):
        return _queries(request, types, plain)
    ids = await listed(request, plain, as_of)
    plain = [pair for pair in plain if pair[0] != "_list"]
    # What is in no list is asked for all the same: the question must be checked, and the answer counted.
    named = tuple([name for name in types if name in ids]) or types[:1]
    return [one for name in named for one in _queries(request, [name], [*plain, ("_id", ids.get(name, "_"))])]


async def search_pairs(request: FhirRequest, pairs: Pairs) -> Response:
    """Answer the search that `pairs` ask for."""
    settings, record = request.hub.settings, request.record
    known = request.hub.search_parameters.in_force
    types, where = _types(request, pairs), "/".join(_place(request))
    check_asked(request, types, pairs)
    here = opened(request, pairs, where)
    asked_for = None if request.member else asking(request, types, pairs)
    queries = await _asked(request, await by_their_ids(request, types, pairs), types, here.place.as_of)
    queries = [await with_terms(request, query) for query in queries]
    query = queries[0]
    subset = chosen(query.summary, query.elements, types)
    if query.summary == "text" and query.includes:
        raise InvalidValue("_summary=text cannot be combined with _include or _revinclude", "_summary")
    asked = [pair for pair in pairs if pair[0] != "_cursor" and pair not in query.ignored]
    limit = settings.page_entries if query.count is None else query.count
    if query.summary == "count":
        limit = 0
    page = await search_types(
        record.connection,
        record.visibility,
        queries,
        patient_keys,
        limit=limit if here.size is None else min(limit, here.size),
        place=here.place,
        compartment=Compartment(request.type, request.id) if request.member else None,
    )
    if asked_for is not None:
        asked_for.found(page.matches)
    others = await included(
        record.connection, record.visibility, page.matches, query.includes, settings.fhir_address, known
    )
    record.disclosed += [*page.matches, *others.resources]
    domains = domains_of(types, pairs)
    warning = await about_unknown(request, page, domains) if domains else None
    own = _self(request, asked, ignored=bool(query.ignored))
    found = links(request, asked, own, where, page, here=here, limit=limit)
    return fhir_response(searchset(request, found, restricted(page, domains), others, subset, warning))


async def search(request: FhirRequest) -> Response:
    """Answer a search by GET."""
    request.check_accept()
    return await search_pairs(request, request.pairs)


async def search_by_post(request: FhirRequest) -> FhirResponse:
    """Answer a search by POST, whose parameters are a form and so reach no access log.

    Those of the address count as well.
    """
    request.check_accept()
    form = await request.body(FORM_BYTES)
    request.query_string = b"&".join(part for part in (request.query_string, form) if part)
    request.check_accept()
    response = await search_pairs(request, decode_pairs(request.query_string))
    # The form may say how the answer is written; nobody after this one sees the form.
    return await written_for(request, response)
