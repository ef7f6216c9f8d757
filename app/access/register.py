"""Registering a client: what an operator says of it, checked, so that nothing is granted later that cannot be meant.

https://hl7.org/fhir/smart-app-launch/app-launch.html#register-app-with-ehr, RFC 9700, section 2.1 (redirect addresses)
"""

import json
import re
import secrets
from urllib.parse import urlsplit

from app.access.directory import Registered
from app.access.passwords import hash_password
from app.access.scopes import InvalidScope, parse

KINDS = ("system", "app", "resource-server")
AUTHENTICATIONS = ("private_key_jwt", "client_secret_basic", "none")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[\x21-\x7e]{1,100}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

APP_SCOPES = "launch launch/patient openid fhirUser online_access offline_access patient/*.rs user/*.rs"
"""What an app may ask for when nothing narrower is said."""


class Invalid(ValueError):
    """What is said of a client cannot be."""


def _redirect(address: str) -> str:
    parts = urlsplit(address)
    if parts.fragment or "*" in address or not address.isascii() or not address.isprintable():
        raise Invalid(f"{address}: a redirect address has no fragment and no wildcard")
    web = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    # An app on a telephone has a scheme of its own, named by a domain turned round (RFC 8252, section 7.1).
    own = "." in parts.scheme and parts.scheme not in ("http", "https")
    if not (web and parts.hostname) and not own:
        raise Invalid(f"{address}: a redirect address is https, or http on this machine, or of an app's own scheme")
    return address


def _checked_keys(text: str) -> None:
    try:
        found = json.loads(text).get("keys")
    except (ValueError, AttributeError) as error:
        raise Invalid("A JWK set has an array `keys`") from error
    if not isinstance(found, list):
        raise Invalid("A JWK set has an array `keys`")
    if any(isinstance(one, dict) and (one.get("kty") == "oct" or "d" in one) for one in found):
        raise Invalid("A client is registered with its public keys alone")


def checked(
    *,
    id: str,
    kind: str,
    authentication: str,
    redirects: tuple[str, ...] = (),
    scopes: str = "",
    jwks: str = "",
    jwks_url: str = "",
    launch_url: str = "",
    certificate: str = "",
    secret: str = "",
) -> Registered:
    """Return how a client is registered; `secret` is its hash.

    Raises:
        Invalid: something does not fit.
    """
    if not _ID.fullmatch(id) or ":" in id:
        raise Invalid(f"{id!r} is no client_id: 1 to 100 letters, digits and signs, without a colon")
    if kind not in KINDS or authentication not in AUTHENTICATIONS:
        raise Invalid(f"A client is one of {', '.join(KINDS)}, and proves it by one of {', '.join(AUTHENTICATIONS)}")
    if (kind == "app") != bool(redirects):
        raise Invalid("An app, and nothing else, has redirect addresses")
    if authentication == "none" and kind != "app":
        raise Invalid("Only an app may prove nothing: a person does, for it")
    if jwks:
        _checked_keys(jwks)
    for address in (jwks_url, launch_url):
        if address:
            _redirect(address)
    if certificate and not _THUMBPRINT.fullmatch(certificate):
        raise Invalid("A certificate is its SHA-256 as base64url: 43 characters")
    allowed = scopes or (APP_SCOPES if kind == "app" else "system/*.cruds")
    try:
        found = parse(allowed)
    except InvalidScope as error:
        raise Invalid(str(error)) from error
    if kind == "app" and any(one.startswith("system/") for one in allowed.split()):
        raise Invalid("An app acts for a person: it has no system/ scopes")
    if kind != "app" and (found.others or any(one.context != "system" for one in found.resources)):
        raise Invalid("A system acts for itself: it has system/ scopes alone")
    return Registered(
        kind=kind,
        authentication=authentication,
        secret=secret,
        jwks_url=jwks_url,
        redirects="\n".join(_redirect(one) for one in redirects),
        scopes=allowed,
        launch_url=launch_url,
        certificate=certificate,
    )


async def new_secret() -> tuple[str, str]:
    """Return a new client secret, shown once, and its hash, which is kept."""
    text = secrets.token_urlsafe(32)
    return text, await hash_password(text)
