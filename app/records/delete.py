"""delete, also conditional: https://hl7.org/fhir/R4/http.html#delete. The versions stay; the resource answers 410."""

from app.exchange.pixm.feed import check_domain
from app.records.commit import committed
from app.records.conditional import condition, lock, match, matches, own
from app.records.documents.forestall import forestall
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.update import check_version, version_wanted
from app.records.writing import Writing
from fhir.errors import MultipleMatches, NotFound
from fhir.search.query import Query
from fhir.store.stored import Stored

MOST_DELETED = 1_000
"""Resources that one conditional delete may delete, where the setting allows several."""


async def delete(request: FhirRequest) -> Response:
    """Delete a resource; deleting it again is no error."""
    known_type(request.type)
    wanted = version_wanted(request)

    async def work(writing: Writing) -> Stored | None:
        await check_version(writing, request.type, request.id, wanted, "d")
        return await writing.delete(request.type, request.id)

    deleted = await committed(request, work)
    headers = [(b"etag", b'W/"%d"' % deleted.version)] if deleted else []
    return Response(204, b"", headers)


async def delete_where(writing: Writing, query: Query, expression: str) -> list[Stored]:
    """Gather the deletion of what a condition means: one resource, or all of them where the setting allows it.

    Raises:
        NotFound: it means none.
        MultipleMatches: it means several, or more than may be deleted at once.
    """
    request = writing.request
    if request.hub.settings.conditional_delete == "single":
        found = [await match(writing.connection, own(request), query, expression)]
    else:
        found = [*await matches(writing.connection, own(request), query, most=MOST_DELETED + 1)]
        if len(found) > MOST_DELETED:
            raise MultipleMatches(f"More than {MOST_DELETED} resources fulfil the condition", expression)
    deleted = [await writing.delete(one.type, one.id) for one in found if one is not None]
    if not deleted:
        raise NotFound(f"No {query.type} fulfils the condition", expression)
    return [one for one in deleted if one is not None]


async def conditional_delete(request: FhirRequest) -> Response:
    """Delete what the query means."""
    known_type(request.type)
    where = request.query_string.decode("latin-1")
    query = condition(request, request.type, where, request.type)

    async def work(writing: Writing) -> list[Stored]:
        await lock(writing.connection, request, [request.type])
        await check_domain(writing, request.type, where)
        try:
            return await delete_where(writing, query, request.type)
        except NotFound:
            if request.type == "Bundle" and await forestall(writing, where):
                return []
            raise

    await committed(request, work)
    return Response(204)
