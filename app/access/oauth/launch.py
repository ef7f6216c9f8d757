"""A launch from an EHR: the patient, and the encounter, that an app is opened for, kept behind a value of one use.

A registered system asks for one (`POST /oauth/launch` with its token), or the portal's page of a patient does.
https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch
"""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import bindparam, delete, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.oauth.clients import find_client
from app.access.oauth.events import told
from app.access.oauth.form import NO_STORE, read_form, refused, unavailable
from app.access.tables import launch as table
from app.access.tokens import TokenRefused, digest
from app.audit.log import AuditUnavailable
from app.db import DatabaseConnection, DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.records.record import StaleCaller
from app.records.request import FhirRequest, replayed
from fhir.errors import FhirError, Unauthorized

LASTS_MICROSECONDS = 300_000_000
"""How long a launch waits for its app: five minutes, a sign-in included."""

_FIND = select(*list(table.c)[1:6]).where(table.c.digest == bindparam("digest"), table.c.ends > bindparam("now"))
_USE = delete(table).where(table.c.digest == bindparam("digest"))
_FORGET = delete(table).where(table.c.ends < bindparam("now"))


@dataclass(frozen=True, slots=True)
class Launch:
    """What an app is opened for; 0 is any account, any client."""

    organisation: int
    account: int
    client: int
    patient: str
    encounter: str


async def begin(connection: WriteConnection, what: Launch, now: int) -> str:
    """Return the `launch` value of a new launch."""
    text = secrets.token_urlsafe(24)
    await connection.execute(_FORGET, {"now": now})
    row = (digest(text), what.organisation, what.account, what.client, what.patient, what.encounter)
    await connection.insert(table, [(*row, now + LASTS_MICROSECONDS)])
    return text


async def launch_of(connection: DatabaseConnection, text: str, now: int) -> Launch | None:
    """Return a launch that waits for its app."""
    rows = await connection.fetch(_FIND, {"digest": digest(text), "now": now})
    return Launch(*rows[0]) if rows else None


async def use(connection: WriteConnection, text: str) -> bool:
    """Use a launch up; return whether it was there."""
    return await connection.execute(_USE, {"digest": digest(text)}) == 1


def opened_at(launch_url: str, hub: Hub, text: str) -> str:
    """Return the address at which an app is opened."""
    mark = "&" if "?" in launch_url else "?"
    return f"{launch_url}{mark}{urlencode({'iss': f'{hub.settings.address}/fhir', 'launch': text})}"


async def _check(request: FhirRequest, patient: str, encounter: str) -> None:
    """Refuse a launch for what the system may not see.

    Raises:
        FhirError: it does not exist for the system.
    """
    request.interaction = "read"
    if patient:
        await request.record.read("Patient", patient)
    if encounter:
        await request.record.read("Encounter", encounter)


async def _answer(hub: Hub, request: Request) -> Response:
    client = None
    try:
        header = request.headers.get("authorization", "")
        if header[:7].lower() != "bearer ":
            raise TokenRefused("invalid_client", "A system begins a launch with a token of its own")
        caller = await hub.callers.by_token(header[7:], request.scope)
        if caller.account:
            raise TokenRefused("invalid_client", "A system begins a launch with a token of its own")
        client = caller.client
        form = await read_form(request)
        patient, encounter = form.get("patient", ""), form.get("encounter", "")
        app = await find_client(hub.database.reader, form.get("client_id", ""))
        if app is None or not app.launch_url:
            raise TokenRefused("invalid_request", "client_id is an app that is opened by an EHR")
        asked = FhirRequest(hub, request.scope, replayed(b""), caller)
        await _check(asked, patient, encounter)
    except (TokenRefused, Unauthorized, FhirError) as error:
        failure = error if isinstance(error, TokenRefused) else TokenRefused("invalid_request", str(error))
        if isinstance(error, Unauthorized):
            failure = TokenRefused("invalid_client", str(error))
        await hub.audit.append([told(hub, request, "launch", client=client, refusal=str(failure))])
        return refused(failure)
    now = hub.clock()
    about = {"patient": f"Patient/{patient}", "patient_key": asked.record.disclosed[0].patient_key} if patient else {}
    async with hub.database.write() as connection:
        text = await begin(connection, Launch(caller.organisation, 0, app.key, patient, encounter), now)
        event = told(hub, request, "launch", client=client, description=f"A launch of {app.id}", **about)
        await hub.audit.stage(connection, [event])
    return JSONResponse({"launch": text, "url": opened_at(app.launch_url, hub, text)}, 200, NO_STORE)


async def launch(request: Request) -> Response:
    """Answer a system that opens an app for a patient."""
    try:
        return await _answer(request.app.state.hub, request)
    except (DatabaseUnavailable, AuditUnavailable, StaleCaller):
        return unavailable()
