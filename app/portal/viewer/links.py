"""`POST /images/links`: a system with a token of its own gets an address that opens images once, for somebody it names.

What it opens is decided here, as the system's own reading would be; see `app.access.image_links` for what comes of it.
"""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.image_links import LINK_SECONDS, ImageLink, begin
from app.access.oauth.clients import find_client
from app.access.oauth.events import told
from app.access.oauth.form import NO_STORE, Form, read_form, refused, unavailable
from app.access.tokens import TokenRefused
from app.audit.log import AuditUnavailable
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.portal.viewer.invoke import ADDRESS, Wanted, wanted
from app.records.record import StaleCaller
from app.records.request import FhirRequest, replayed
from app.records.scoped import check_images
from fhir.errors import FhirError, Unauthorized

LONGEST_USER = 200
"""Characters of a person's name."""


async def _system(hub: Hub, request: Request) -> FhirRequest:
    """Return the request as the gates know it.

    Raises:
        TokenRefused: no system makes it.
    """
    header = request.headers.get("authorization", "")
    if header[:7].lower() != "bearer ":
        raise TokenRefused("invalid_client", "A system makes a link with a token of its own")
    caller = await hub.callers.by_token(header[7:], request.scope)
    if caller.account or caller.role != "system":
        raise TokenRefused("invalid_client", "A system makes a link with a token of its own")
    asked = FhirRequest(hub, request.scope, replayed(b""), caller)
    asked.interaction = "search-type"
    check_images(asked)
    return asked


def _user(form: Form) -> str:
    """Return whom the system names.

    Raises:
        TokenRefused: nobody.
    """
    user = form.get("user", "").strip()
    if not user or len(user) > LONGEST_USER or not user.isprintable():
        raise TokenRefused("invalid_request", "user says who opens the images")
    return user


async def _answer(hub: Hub, request: Request) -> Response:
    client = None
    try:
        asked = await _system(hub, request)
        client = asked.caller.client
        form = await read_form(request)
        user, found = _user(form), await wanted(asked, form)
        # The page names the patient: whoever may not read that makes no link.
        await asked.record.read("Patient", found.patient_id)
        known = await find_client(hub.database.reader, client)
        if known is None:
            raise TokenRefused("invalid_client", "The client is unknown")
    except (TokenRefused, FhirError) as error:
        failure = error if isinstance(error, TokenRefused) else TokenRefused("invalid_request", str(error))
        if isinstance(error, Unauthorized):
            failure = TokenRefused("invalid_client", str(error))
        await hub.audit.append([told(hub, request, "image-link", client=client, refusal=str(failure))])
        return refused(failure)
    return await _made(hub, request, asked, _link(asked, known.key, user, found))


def _link(asked: FhirRequest, client: int, user: str, found: Wanted) -> ImageLink:
    study = " ".join(found.named)
    return ImageLink(client, asked.caller.purpose, found.patient_key, found.patient_id, study, user, found.page)


async def _made(hub: Hub, request: Request, asked: FhirRequest, link: ImageLink) -> Response:
    caller = asked.caller
    about: dict[str, Any] = {
        "client": caller.client,
        "organisation": caller.organisation_reference,
        "role": caller.role,
        "purpose": caller.purpose,
        "user": link.user,
        "patient": f"Patient/{link.patient}",
        "patient_key": link.patient_key,
    }
    async with hub.database.write() as connection:
        text = await begin(connection, link, hub.clock())
        await hub.audit.stage(connection, [told(hub, request, "image-link", **about)])
    address = f"{hub.settings.address}{ADDRESS}?{urlencode({'token': text})}"
    return JSONResponse({"url": address, "expires_in": LINK_SECONDS}, 200, NO_STORE)


async def make_link(request: Request) -> Response:
    """Answer a system that lets a browser open images."""
    try:
        return await _answer(request.app.state.hub, request)
    except (DatabaseUnavailable, AuditUnavailable, StaleCaller):
        return unavailable()
