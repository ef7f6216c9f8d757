"""The body of a request to the authorisation server, and what a refusal of it looks like.

https://www.rfc-editor.org/rfc/rfc6749#section-3.2, https://www.rfc-editor.org/rfc/rfc6749#section-5.2
"""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.access.tokens import TokenRefused

FORM_BYTES = 64_000
"""The largest body."""

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

Form = dict[str, str]


async def read_form(request: Request) -> Form:
    """Return the values of an urlencoded form by their names.

    Raises:
        TokenRefused: it is none, is too large, or has a parameter twice.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise TokenRefused("invalid_request", f"A form has at most {FORM_BYTES} bytes")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise TokenRefused("invalid_request", "The body is a form: application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        raise TokenRefused("invalid_request", "This is not an urlencoded form") from error
    return once(pairs)


def once(pairs: list[tuple[str, str]]) -> Form:
    """Return parameters by their names; what is empty counts as left out.

    Raises:
        TokenRefused: one is there twice, or holds a character that no value has.
    """
    form: Form = {}
    for name, value in pairs:
        if name in form:
            raise TokenRefused("invalid_request", f"{name[:50]} is there twice")
        if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise TokenRefused("invalid_request", f"{name[:50]} holds a character that no value has")
        if value:
            form[name] = value
    return form


def refused(error: TokenRefused) -> JSONResponse:
    """Return the answer that says why."""
    status = 401 if error.error == "invalid_client" else 400
    headers = {**NO_STORE, **({"www-authenticate": 'Basic realm="Renkei"'} if status == 401 else {})}
    return JSONResponse({"error": error.error, "error_description": str(error)}, status, headers)


def unavailable() -> JSONResponse:
    """Return a 503: nothing was given out, and nothing is known to be recorded."""
    return JSONResponse({"error": "temporarily_unavailable"}, 503, NO_STORE)
