"""Apps in a browser, on a page of another site: what they may ask, and read of the answer.

A bearer token is what opens a door here, and no page has another site's. Any site may ask, therefore, but never with
the browser's cookies: a browser refuses to hand out an answer to those where every origin is allowed.
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
_PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", _METHODS),
    (b"access-control-allow-headers", _TAKEN),
    (b"access-control-max-age", b"600"),
]


def is_from_elsewhere(scope: Scope) -> bool:
    """Return whether a browser says that a page asks, at a door that is open to pages of other sites."""
    # Every request comes by here: a loop costs half of what a generator does.
    for name, _ in scope["headers"]:
        if name == b"origin":
            return bool(scope["path"].startswith(_OPEN))
    return False


async def preflight(scope: Scope, send: Send) -> bool:
    """Answer a browser that asks what a page may ask; return whether it was one."""
    if scope["method"] != "OPTIONS" or not any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    ):
        return False
    await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
    await send({"type": "http.response.body", "body": b""})
    return True


def shown(send: Send) -> Send:
    """Return a `send` whose answers a page of another site may read."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            allowed = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _SHOWN)]
            message = {**message, "headers": [*message["headers"], *allowed]}
        await send(message)

    return with_headers
