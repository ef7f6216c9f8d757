"""OPTIONS: which methods an address takes. Nothing is looked up: what exists is not told.

https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7
"""

from collections.abc import Awaitable, Callable, Sequence

from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, Response, allow


def options(methods: Sequence[str], patches: Sequence[str]) -> Callable[[FhirRequest], Awaitable[Response]]:
    """Return what answers at an address that takes `methods`, and patches of the media types `patches`."""

    async def answer(request: FhirRequest) -> Response:
        if request.type:
            known_type(request.type)
        response = Response(204, b"", [PRIVATE, NO_SNIFF, allow(methods)])
        if "PATCH" in methods:
            response.headers.append((b"accept-patch", ", ".join(patches).encode()))
        return response

    return answer
