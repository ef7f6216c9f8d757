"""The DICOMweb door: a plain ASGI route, as the FHIR one; a viewer asks it for thousands of frames.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_10.html
"""

from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.doors import Door, enter
from app.imaging.request import DicomRequest, tell
from app.imaging.services import find
from app.records.response import Streamed

DICOMWEB = Door(DicomRequest, find, tell)


class DicomRoute(BaseRoute):
    """Every address below `/dicomweb`, and `/wado`, where old viewers look for WADO-URI."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match HTTP requests below `/dicomweb`, and of `/wado`."""
        path = scope["path"] + "/" if scope["type"] == "http" else ""
        if path.startswith("/dicomweb/") or path == "/wado/":
            return Match.FULL, {}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await enter(DICOMWEB, scope, receive)
        head = scope["method"] == "HEAD"
        if isinstance(response, Streamed):
            await response.send(send, head=head, receive=receive)
        else:
            await response.send(send, head=head)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Name no address: DICOMweb addresses are made of UIDs."""
        raise NotImplementedError
