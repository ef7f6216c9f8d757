"""Forms: reading one, and telling whether it was sent by a page of ours.

The session cookie is SameSite=Strict; the browser says where the form came from (Fetch Metadata, Origin); and the form
carries a token that only a page of the same session can know. https://www.w3.org/TR/fetch-metadata/
"""

import hmac
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request

from app.access.sessions import csrf_token
from app.portal.multipart import parts
from fhir.errors import Forbidden, InvalidValue, TooLarge

FORM_BYTES = 64_000
"""The largest form."""

Form = dict[str, list[str]]


def check_origin(request: Request) -> None:
    """Check that a form was sent from a page of this hub, as far as the browser says where it was sent from.

    Raises:
        Forbidden: another site's page sent it.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    ours = {request.headers.get("host", ""), urlsplit(request.app.state.hub.settings.address).netloc}
    if site not in {"same-origin", "none"} or (origin is not None and urlsplit(origin).netloc not in ours):
        raise Forbidden("The form was not sent from a page of this hub")


def check_token(form: Form, secret: str) -> None:
    """Check that a form was made for the session with this cookie.

    Raises:
        Forbidden: it was not.
    """
    stated = form.get("csrf", [""])[0]
    if not hmac.compare_digest(stated.encode(), csrf_token(secret).encode()):
        raise Forbidden("The form is not of this session")


async def read_form(request: Request, *, file_bytes: int = 0) -> tuple[Form, dict[str, bytes]]:
    """Return the values of a form by the names of its fields, without NULs, and its files.

    Args:
        request: The request.
        file_bytes: The most bytes of files that the page takes; 0 for a page that takes none.

    Raises:
        TooLarge: it has more than `FORM_BYTES` and those of its files.
        InvalidValue: it is no form.
    """
    most, gathered, size = FORM_BYTES + file_bytes, [], 0
    async for chunk in request.stream():
        gathered.append(chunk)
        size += len(chunk)
        if size > most:
            raise TooLarge(f"A form has at most {most} bytes")
    body, content_type = b"".join(gathered), request.headers.get("content-type", "")
    if file_bytes and content_type.startswith("multipart/form-data"):
        return parts(content_type, body)
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError as error:
        raise InvalidValue("This is not an urlencoded form") from error
    return {name: [value.replace("\0", "") for value in values] for name, values in found.items()}, {}


def one(form: Form, name: str) -> str:
    """Return the first value of a field without the spaces around it, or an empty text."""
    return form.get(name, [""])[0].strip()


def number(text: str, *, digits: int) -> int:
    """Return a number of at most so many digits that a database can hold, 0 for anything else."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0
    return found if found < 2**63 else 0


def exactly(form: Form, name: str) -> str:
    """Return the first value of a field as it was typed: a password, of which a space is a part."""
    return form.get(name, [""])[0]
