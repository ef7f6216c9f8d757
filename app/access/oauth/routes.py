"""The addresses of the authorisation server, and what the API's description says of them; its page is the portal's."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from app.access.oauth.introspect import introspect
from app.access.oauth.launch import launch
from app.access.oauth.metadata import authorization_server, jwks, smart_configuration
from app.access.oauth.revoke import revoke
from app.access.oauth.token import token

router = APIRouter(default_response_class=JSONResponse)

_PROOF = ("client_id", "client_assertion_type", "client_assertion")


def _form(*names: str, needed: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": [needed]}
    return {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}}


_CODE = ("code", "redirect_uri", "code_verifier", "refresh_token")
_ASKED = ("scope", "resource", "requested_token_type", "purpose_of_use")

router.add_api_route(
    "/oauth/token",
    token,
    methods=["POST"],
    summary="An access token, for a code, a refresh token or a system's own proof.",
    openapi_extra=_form("grant_type", *_CODE, *_ASKED, *_PROOF, needed="grant_type"),
)
router.add_api_route(
    "/oauth/introspect",
    introspect,
    methods=["POST"],
    summary="What a token is for, to a resource server (ITI-102).",
    openapi_extra=_form("token", *_PROOF, needed="token"),
)
router.add_api_route(
    "/oauth/revoke",
    revoke,
    methods=["POST"],
    summary="Gives a token back.",
    openapi_extra=_form("token", *_PROOF, needed="token"),
)
router.add_api_route(
    "/oauth/launch",
    launch,
    methods=["POST"],
    summary="Opens an app for a patient, from an EHR with a token of its own.",
    openapi_extra=_form("client_id", "patient", "encounter", needed="client_id"),
)
router.add_api_route("/oauth/jwks", jwks, summary="The keys that identity tokens are verified by.")
for _path in ("/.well-known/smart-configuration", "/fhir/.well-known/smart-configuration"):
    router.add_api_route(_path, smart_configuration, summary="What an app must know to get a token.")
for _path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
    router.add_api_route(_path, authorization_server, summary="What the authorisation server can do (ITI-103).")
