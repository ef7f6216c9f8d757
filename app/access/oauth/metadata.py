"""What the authorisation server can do, made of what there is. IHE ITI-103; RFC 8414; SMART App Launch 2.2.

https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.oauth.keys import ALGORITHM, public_keys
from app.access.oauth.token import grant_types
from app.access.scopes import OTHERS
from app.access.tokens import ALGORITHMS
from app.access.transactions import TRANSACTIONS

SMART = (
    *("launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric"),
    *("client-confidential-asymmetric", "sso-openid-connect", "context-ehr-patient", "context-ehr-encounter"),
    *("context-standalone-patient", "context-banner", "permission-offline", "permission-online"),
    *("permission-patient", "permission-user", "permission-v1", "permission-v2"),
)
"""https://hl7.org/fhir/smart-app-launch/conformance.html#capability-sets"""

METHODS = ("private_key_jwt", "client_secret_basic", "none")


def _common(address: str) -> dict[str, Any]:
    resources = [f"{context}/*.{form}" for context in ("patient", "user", "system") for form in ("cruds", "rs", "read")]
    return {
        "issuer": address,
        "jwks_uri": f"{address}/oauth/jwks",
        "authorization_endpoint": f"{address}/oauth/authorize",
        "token_endpoint": f"{address}/oauth/token",
        "introspection_endpoint": f"{address}/oauth/introspect",
        "revocation_endpoint": f"{address}/oauth/revoke",
        "grant_types_supported": list(grant_types()),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "scopes_supported": [*sorted(OTHERS), *resources, *TRANSACTIONS],
    }


def smart_metadata(address: str) -> dict[str, Any]:
    """Return the document of `.well-known/smart-configuration`."""
    return {**_common(address), "capabilities": list(SMART)}


def server_metadata(address: str) -> dict[str, Any]:
    """Return the document of `.well-known/oauth-authorization-server`, which serves as OpenID Connect's as well."""
    checked = METHODS[:-1]
    return {
        **_common(address),
        "introspection_endpoint_auth_methods_supported": ["Bearer", *checked],
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "authorization_response_iss_parameter_supported": True,
        "tls_client_certificate_bound_access_tokens": True,
        "access_token_format": "opaque",
        "protected_resources": [f"{address}/fhir", f"{address}/dicomweb"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "fhirUser", "name"],
    }


async def smart_configuration(request: Request) -> Response:
    """Answer what an app must know."""
    return JSONResponse(smart_metadata(request.app.state.hub.settings.address))


async def authorization_server(request: Request) -> Response:
    """Answer what a client of the authorisation server must know."""
    return JSONResponse(server_metadata(request.app.state.hub.settings.address))


async def jwks(request: Request) -> Response:
    """Answer the keys that identity tokens are verified by."""
    keys = public_keys(request.app.state.hub.settings)
    return JSONResponse(keys, headers={"cache-control": "public, max-age=300"})
