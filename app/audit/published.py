"""The log's own addresses, for auditors: the newest checkpoint, tiles, records, and proofs.

They hold hashes, signatures and sealed records: nothing that tells who a patient is without the hub's keys.

https://c2sp.org/tlog-tiles
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.access.caller import Caller
from app.access.events import by
from app.audit import proofs, tile
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.db import DatabaseConnection, DatabaseUnavailable
from app.doors import identify
from app.hub import Hub
from app.records.events import audit_outcome
from app.records.refusal import record_refusal
from fhir.errors import FhirError, Forbidden, NotFound

Answer = Callable[[DatabaseConnection, Request], Awaitable[Response]]

FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}
"""What a tile or a record is, it stays."""

NOT_KEPT = {"cache-control": "no-store"}

MOST_DIGITS = 18


def _failure(status: int, text: str) -> Response:
    headers = NOT_KEPT | ({"www-authenticate": "Bearer"} if status == 401 else {})
    return PlainTextResponse(f"{text}\n", status, headers)


def _route(path: str, answer: Answer) -> Route:
    """Return a route that identifies the caller, lets auditors in, and records that the log was used."""

    async def enter(request: Request) -> Response:
        hub: Hub = request.app.state.hub
        try:
            caller, _ = await identify(hub, request.scope)
            hub.limits.request(caller)
        except FhirError as error:
            written = await record_refusal(hub, request.scope, str(error))
            return _failure(error.status, str(error)) if written else _unavailable()
        except DatabaseUnavailable:
            return _unavailable()
        try:
            response = await _decided(hub, caller, request, answer)
            await hub.audit.append([_event(hub, caller, request, response.status_code)])
        except (DatabaseUnavailable, AuditUnavailable):
            return _unavailable()
        return response

    return Route(path, enter)


def _unavailable() -> Response:
    return _failure(503, "The hub cannot record this access now; please try again")


async def _decided(hub: Hub, caller: Caller, request: Request, answer: Answer) -> Response:
    try:
        if caller.role != "auditor" or caller.must_change:
            raise Forbidden("The log is the auditors'")
        return await answer(hub.database.reader, request)
    except FhirError as error:
        return _failure(error.status, str(error))
    except IndexError as error:
        return _failure(404, f"{error}".capitalize())


def _event(hub: Hub, caller: Caller, request: Request, status: int) -> Event:
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction="audit-log-used",
        outcome=audit_outcome(status),
        outcome_desc=None if status < 400 else str(status),
        client=caller.client,
        **by(caller),
        network=request.client.host if request.client else None,
        method=request.method,
        path=request.url.path[:2000],
    )


def _number(request: Request, name: str) -> int:
    text = str(request.path_params[name])
    if not (text.isascii() and text.isdigit()) or len(text) > MOST_DIGITS:
        raise NotFound("Records are counted from 0")
    return int(text)


async def checkpoint(connection: DatabaseConnection, _: Request) -> Response:
    """Answer the newest checkpoint, with what witnesses have signed beside it."""
    return PlainTextResponse((await proofs.newest(connection))[1], headers=NOT_KEPT)


async def one_tile(connection: DatabaseConnection, request: Request) -> Response:
    """Answer a tile."""
    wanted = tile.parse(request.path_params["tile"])
    if wanted is None or not tile.holds(wanted, await proofs.size(connection)):
        raise NotFound("The log has no such tile")
    hashes = await proofs.tile(connection, wanted)
    return Response(hashes, headers=FOR_EVER, media_type="application/octet-stream")


async def record(connection: DatabaseConnection, request: Request) -> Response:
    """Answer a sealed record as it is stored: what the proof of inclusion is of."""
    sealed = await proofs.record(connection, _number(request, "index"))
    return Response(sealed, headers=FOR_EVER, media_type="application/octet-stream")


async def inclusion(connection: DatabaseConnection, request: Request) -> Response:
    """Answer the proof that a record is in the log of the newest checkpoint."""
    return PlainTextResponse(await proofs.record_text(connection, _number(request, "index")), headers=NOT_KEPT)


async def consistency(connection: DatabaseConnection, request: Request) -> Response:
    """Answer the proof that the log of the newest checkpoint begins with that of so many records."""
    return PlainTextResponse(await proofs.growth_text(connection, _number(request, "size")), headers=NOT_KEPT)


routes = [
    _route("/audit/log/checkpoint", checkpoint),
    _route("/audit/log/tile/{tile:path}", one_tile),
    _route("/audit/log/record/{index}", record),
    _route("/audit/log/inclusion/{index}", inclusion),
    _route("/audit/log/consistency/{size}", consistency),
]
