"""Introspection: what a token is for, told to a resource server that has proved who it is. RFC 7662; IHE ITI-102.

Unknown, expired, revoked, and not that server's to know are one answer.
"""

from typing import Any

from sqlalchemy import bindparam, func, or_, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.caller import Caller
from app.access.oauth.clients import authenticate, find_client
from app.access.oauth.events import told
from app.access.oauth.form import NO_STORE, Form, read_form, refused, unavailable
from app.access.oauth.id_token import subject_of
from app.access.tables import app_grant, token, token_binding, token_patient
from app.access.tokens import TokenRefused, digest
from app.audit.log import AuditUnavailable
from app.consent.pcf_token import Named, all_forbidden, pcf_decision
from app.consent.purposes import SYSTEM as PURPOSES
from app.consent.residual import Refusal
from app.db import DatabaseUnavailable
from app.hub import Hub
from fhir.errors import Unauthorized

PATH = "/oauth/introspect"
INACTIVE = {"active": False}

_ROLES = "http://renkei.example/fhir/CodeSystem/role"

_TOKEN = (
    select(
        *(token.c.scope, token.c.ends, token_binding.c.issued),
        *(func.coalesce(app_grant.c.patient, token_patient.c.patient), app_grant.c.encounter),
    )
    .select_from(token)
    .outerjoin(token_patient, token_patient.c.digest == token.c.digest)
    .outerjoin(token_binding, token_binding.c.digest == token.c.digest)
    .outerjoin(app_grant, app_grant.c.key == token_binding.c.grant)
    .where(
        token.c.digest == bindparam("digest"),
        or_(func.coalesce(token_binding.c.grant, "") == "", app_grant.c.key.is_not(None)),
    )
)


def ihe_iua(caller: Caller) -> dict[str, Any]:
    """Return the claims of IUA about who calls, and why."""
    return {
        **({"subject_name": caller.user_title} if caller.account else {}),
        "subject_organization": caller.organisation_title,
        "subject_organization_id": caller.organisation_reference,
        "subject_role": [{"system": _ROLES, "code": caller.role}],
        "purpose_of_use": [{"system": PURPOSES, "code": caller.purpose}],
    }


async def _ihe_pcf(hub: Hub, caller: Caller) -> dict[str, Any]:
    """Return what the Consents of a token's patient leave to other servers, as they are now."""
    if not caller.patient_key:
        return {}
    named = Named(caller.patient_key, await hub.patient_id(caller.patient_key))
    found = await pcf_decision(hub, hub.database.reader, caller, named)
    return {"ihe_pcf": all_forbidden(hub, named) if isinstance(found, Refusal) else found}


async def described(hub: Hub, text: str) -> tuple[dict[str, Any], str]:
    """Return what a token is for, and its client; `INACTIVE` and an empty text when it is good for nothing."""
    try:
        caller = await hub.callers.of_token(text)
    except Unauthorized:
        return INACTIVE, ""
    rows = await hub.database.reader.fetch(_TOKEN, {"digest": digest(text)})
    if not rows:
        return INACTIVE, ""
    scope, ends, issued, patient, encounter = rows[0]
    address = hub.settings.address
    answer: dict[str, Any] = {
        "active": True,
        "scope": scope or "system/*.cruds",
        "client_id": caller.client,
        "token_type": "Bearer",
        "exp": ends // 1_000_000,
        "iss": address,
        "aud": f"{address}/fhir",
        "sub": subject_of(address, caller.account) if caller.account else caller.client,
        "extensions": {"ihe_iua": ihe_iua(caller), **await _ihe_pcf(hub, caller)},
    }
    optional = {
        "iat": issued // 1_000_000 if issued else None,
        "username": caller.user or None,
        "patient": patient or (caller.glass[0].patient if caller.glass else None),
        "encounter": encounter,
        "cnf": {"x5t#S256": caller.certificate} if caller.certificate else None,
    }
    return answer | {name: value for name, value in optional.items() if value}, caller.client


async def _asker(hub: Hub, request: Request, form: Form) -> tuple[str, str]:
    """Return the client that asks, and its kind.

    Raises:
        TokenRefused: it does not prove who it is, by a token of its own or as at the token endpoint.
    """
    header = request.headers.get("authorization", "")
    if header[:7].lower() == "bearer ":
        try:
            caller = await hub.callers.by_token(header[7:], request.scope)
        except Unauthorized as error:
            raise TokenRefused("invalid_client", str(error)) from error
        found = await find_client(hub.database.reader, caller.client)
        if found is None or caller.account:
            raise TokenRefused("invalid_client", "A system asks with a token of its own")
        return found.id, found.kind
    proved = await authenticate(hub, form, header, PATH, public=False)
    if proved.claims:
        async with hub.database.write() as connection:
            await proved.settle(connection, hub.clock())
    return proved.client.id, proved.client.kind


async def _answer(hub: Hub, request: Request) -> Response:
    asker = None
    try:
        form = await read_form(request)
        asker, kind = await _asker(hub, request, form)
        if "token" not in form:
            raise TokenRefused("invalid_request", "token is what is asked about")
        answer, owner = await described(hub, form["token"])
        if kind != "resource-server" and owner != asker:
            answer = INACTIVE
    except TokenRefused as error:
        await hub.audit.append([told(hub, request, "introspect", client=asker, refusal=str(error))])
        return refused(error)
    description = f"A token of {owner}" if answer["active"] else "No active token"
    await hub.audit.append([told(hub, request, "introspect", client=asker, description=description)])
    return JSONResponse(answer, 200, NO_STORE)


async def introspect(request: Request) -> Response:
    """Answer what a token is for."""
    try:
        return await _answer(request.app.state.hub, request)
    except (DatabaseUnavailable, AuditUnavailable):
        return unavailable()
