"""The addresses of the authorisation server; what a person sees of it is in the portal."""

from starlette.routing import BaseRoute, Route

from app.access.oauth.introspect import introspect
from app.access.oauth.launch import launch
from app.access.oauth.metadata import authorization_server, jwks, smart_configuration
from app.access.oauth.revoke import revoke
from app.access.oauth.token import token

routes: list[BaseRoute] = [
    Route("/oauth/token", token, methods=["POST"]),
    Route("/oauth/introspect", introspect, methods=["POST"]),
    Route("/oauth/revoke", revoke, methods=["POST"]),
    Route("/oauth/launch", launch, methods=["POST"]),
    Route("/oauth/jwks", jwks),
    Route("/.well-known/smart-configuration", smart_configuration),
    Route("/fhir/.well-known/smart-configuration", smart_configuration),
    Route("/.well-known/oauth-authorization-server", authorization_server),
    Route("/.well-known/openid-configuration", authorization_server),
]
