"""`$lastn`: the last Observations of each kind of a person, over all sites.

https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlencode

from app.identity.scope import patient_keys
from app.records.parameters import Pairs, operation_pairs, whole_number
from app.records.query import read_query
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.searchset import searchset
from app.records.terminology.search import with_terms
from fhir.errors import InvalidValue, NotFound, TooLarge
from fhir.operations.lastn import LastOfEach
from fhir.resource import parse
from fhir.search.include import Included
from fhir.search.query import Query
from fhir.search.run import Page, Place, search
from fhir.store.stored import Stored

READ = 500
"""Observations that are looked at at once."""


async def _newest_first(request: FhirRequest, asked: Query) -> AsyncIterator[Stored]:
    query = await with_terms(request, asked)
    after: Sequence[Any] | None = None
    record = request.record
    while True:
        page = await search(record.connection, record.visibility, query, patient_keys, limit=READ, place=Place(after))
        for one in page.matches:
            yield one
        after = page.after
        if after is None:
            return


def _query(request: FhirRequest, pairs: Pairs) -> Query:
    asked = [pair for pair in pairs if pair[0] != "max"]
    names = {name.partition(":")[0] for name, _ in asked}
    if not names & {"patient", "subject"}:
        raise InvalidValue("$lastn is asked of one person: patient or subject is missing", "patient")
    for name in sorted(names):
        if name in ("_sort", "_count", "_cursor", "_include", "_revinclude", "_summary", "_elements", "_total"):
            raise InvalidValue(f"{name} is not a parameter of this operation", name)
    return read_query(request.hub, "Observation", [*asked, ("_sort", "-date")], lenient=request.lenient)


async def lastn(request: FhirRequest) -> Response:
    """Answer the last `max` Observations (one, unless asked) of each code among those that a search finds.

    Raises:
        NotFound: it is asked of another type.
        InvalidValue: no person is named.
        TooLarge: there are more than a page holds.
    """
    request.check_accept()
    if request.type != "Observation":
        raise NotFound(f"{request.path} is not an address of this server")
    pairs = await operation_pairs(request)
    limit = request.hub.settings.page_entries_limit
    of_max = [text for name, text in pairs if name == "max"]
    kinds = LastOfEach(whole_number({"max": of_max}, "max", most=limit) or 1)
    chosen: list[Stored] = []
    async for one in _newest_first(request, _query(request, pairs)):
        if kinds.wants(parse(one.body)):
            chosen.append(one)
        if len(chosen) > limit:
            raise TooLarge(f"There are more than {limit}; name a code or a category, or a smaller max", "max")
    request.record.disclosed += chosen
    address = f"{request.hub.settings.address}/fhir/Observation/$lastn?{urlencode(pairs)}"
    page = Page(chosen, len(chosen), None)
    return fhir_response(searchset(request, [{"relation": "self", "url": address}], page, Included()))
