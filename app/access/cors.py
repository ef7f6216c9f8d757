"""Apps in a browser, on a page of another site: what they may ask, and read of the answer.

A bearer token is what opens a door here, and no page has another site's. Any site may ask, therefore, but never with
the browser's cookies: a browser refuses to hand out an answer to those where every origin is allowed. One origin alone
may read images with them: that of the full viewer, which the operator names.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from starlette.types import Message, Scope, Send

_OPEN = ("/fhir", "/dicomweb", "/.well-known/", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/jwks")
_SHOWN = b"etag, location, content-location, last-modified, retry-after, x-progress, www-authenticate, x-request-id"
_TAKEN = (
    b"authorization, content-type, accept, prefer, if-match, if-none-match, if-none-exist, if-modified-since, "
    b"x-request-id"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_ANYONE = [(b"access-control-allow-origin", b"*")]
_IMAGES = "/dicomweb/"


def is_from_elsewhere(scope: Scope) -> bool:
    """Return whether a browser says that a page asks, at a door that is open to pages of other sites."""
    # Every request comes by here: a loop costs half of what a generator does.
    for name, _ in scope["headers"]:
        if name == b"origin":
            return bool(scope["path"].startswith(_OPEN))
    return False


def _allowed(scope: Scope, viewer: str) -> list[tuple[bytes, bytes]]:
    """Return who may read the answer: anyone without cookies, the viewer's origin with them, of images alone."""
    origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
    if not viewer or origin != viewer.encode() or not scope["path"].startswith(_IMAGES):
        return _ANYONE
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"cross-origin-resource-policy", b"same-site"),
        (b"vary", b"Origin"),
    ]


async def preflight(scope: Scope, send: Send, viewer: str = "") -> bool:
    """Answer a browser that asks what a page may ask; return whether it was one.

    Args:
        scope: The request.
        send: Where the answer goes.
        viewer: The origin of the full viewer, or an empty text.
    """
    if scope["method"] != "OPTIONS" or not any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    ):
        return False
    allowed = _allowed(scope, viewer)
    headers = [
        *allowed,
        (b"access-control-allow-methods", _METHODS if allowed is _ANYONE else b"GET, HEAD, OPTIONS"),
        (b"access-control-allow-headers", _TAKEN),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
    return True


def shown(scope: Scope, send: Send, viewer: str = "") -> Send:
    """Return a `send` whose answers a page of another site may read."""
    told = [*_allowed(scope, viewer), (b"access-control-expose-headers", _SHOWN)]

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *told]}
        await send(message)

    return with_headers
