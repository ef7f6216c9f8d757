"""`$graphql`, at the level of the system and of one resource.

https://hl7.org/fhir/R4/graphql.html#invoking
"""

import asyncio
from urllib.parse import urlencode

import orjson

from app.records.graphql.asked import asked
from app.records.graphql.load import Loading
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, Response, failure_response
from fhir import exact
from fhir.errors import FhirError, NotAcceptable
from fhir.graphql.answer import Answering
from fhir.graphql.budget import Budget
from fhir.graphql.document import read
from fhir.graphql.field import Field
from fhir.graphql.members import QUERY
from fhir.graphql.needs import Place
from fhir.graphql.plan import plan

_JSON = (b"content-type", b"application/json; charset=utf-8")
_ACCEPTED = (b"json", b"*/*", b"application/*")


def _failed(error: FhirError) -> Response:
    """Return a failure in the form of GraphQL, its OperationOutcome inside."""
    failure = failure_response(error)
    message = error.diagnostics or "The query cannot be carried out"
    errors = [{"message": message, "extensions": {"resource": orjson.loads(failure.body)}}]
    body = orjson.dumps({"data": None, "errors": errors})
    return Response(failure.status, body, [_JSON, PRIVATE, NO_SNIFF])


async def _fields(request: FhirRequest) -> tuple[Field, ...]:
    text, variables, name = await asked(request)
    if request.method == "POST":
        # What was asked belongs into the audit record, as the form of a search does.
        request.query_string = urlencode({"query": text}).encode()
    # What a caller writes may take long to read: other requests go on.
    return await asyncio.to_thread(lambda: plan(read(text, variables, name), request.type or QUERY))


async def _data(request: FhirRequest) -> bytes:
    accept = request.headers.get(b"accept", b"*/*")
    if not any(word in accept for word in _ACCEPTED):
        raise NotAcceptable("The answer is written as application/json")
    budget = Budget()
    loading = Loading(request, budget)
    if request.type:
        known_type(request.type)
        fields = await _fields(request)
        tree = exact.read((await request.record.read(request.type, request.id)).body)
        await loading.instance(tree, fields)
        place = Place(tree, f"{request.type}/{request.id}")
    else:
        fields = await _fields(request)
        tree, place = {}, Place({}, "")
        await loading.root(fields)
    loaded = loading.loaded
    answering = Answering(loaded.resources, loaded.results, request.hub.settings.fhir_address, budget)

    def made() -> bytes:
        return exact.write({"data": answering.object(tree, request.type or QUERY, fields, place)})

    return await asyncio.to_thread(made)


async def graphql(request: FhirRequest) -> Response:
    """Answer a query; every failure is an answer in the form of GraphQL, with the status of its kind."""
    try:
        return Response(200, await _data(request), [_JSON, PRIVATE, NO_SNIFF])
    except FhirError as error:
        return _failed(error)
