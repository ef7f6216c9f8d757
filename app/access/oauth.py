"""The OAuth 2.0 doors: the token endpoint and the metadata of SMART.

RFC 6749, RFC 7523; https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse

from app.access.tokens import ALGORITHMS, ASSERTION_TYPE, TokenRefused, issue
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.db import DatabaseUnavailable
from app.hub import Hub

router = APIRouter()

_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


def _event(hub: Hub, request: Request, client: str | None, refusal: str | None) -> Event:
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction="token",
        outcome="0" if refusal is None else "8",
        outcome_desc=refusal,
        client=client,
        network=request.client.host if request.client else None,
        method="POST",
        path="/oauth/token",
    )


@router.post("/oauth/token")
async def token(
    request: Request,
    grant_type: Annotated[str, Form()] = "",
    client_assertion_type: Annotated[str, Form()] = "",
    client_assertion: Annotated[str, Form(max_length=10_000)] = "",
    scope: Annotated[str, Form(max_length=2_000)] = "",
) -> JSONResponse:
    """Issue an access token to a system that signed its request."""
    hub: Hub = request.app.state.hub
    issued, client, refusal = "", None, None
    try:
        if grant_type != "client_credentials":
            raise TokenRefused("unsupported_grant_type", "Only client_credentials is granted")
        if client_assertion_type != ASSERTION_TYPE:
            raise TokenRefused("invalid_client", f"The assertion type is {ASSERTION_TYPE}")
        issued, client = await issue(
            hub.database,
            client_assertion=client_assertion,
            scope=scope,
            audience=f"{hub.settings.address}/oauth/token",
            now=hub.clock(),
            seconds=hub.settings.token_seconds,
        )
    except TokenRefused as error:
        refusal = error
    except DatabaseUnavailable:
        return JSONResponse({"error": "temporarily_unavailable"}, 503, _NO_STORE)
    try:
        await hub.audit.append([_event(hub, request, client, str(refusal) if refusal else None)])
    except AuditUnavailable:
        return JSONResponse({"error": "temporarily_unavailable"}, 503, _NO_STORE)
    if refusal is not None:
        status = 401 if refusal.error == "invalid_client" else 400
        return JSONResponse({"error": refusal.error, "error_description": str(refusal)}, status, _NO_STORE)
    answer = {
        "access_token": issued,
        "token_type": "bearer",
        "expires_in": hub.settings.token_seconds,
        "scope": scope or "system/*.cruds",
    }
    return JSONResponse(answer, 200, _NO_STORE)


@router.get("/.well-known/smart-configuration")
@router.get("/fhir/.well-known/smart-configuration")
async def smart_configuration(request: Request) -> dict[str, Any]:
    """Answer what a system must know to get a token."""
    address = request.app.state.hub.settings.address
    return {
        "token_endpoint": f"{address}/oauth/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "scopes_supported": ["system/*.cruds"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }
