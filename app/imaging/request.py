"""A request at a DICOMweb door: whose study, which part of it, in which form.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_8.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import Receive

from app.access import epoch
from app.access.caller import Caller
from app.audit.record import Event
from app.doors import identify
from app.imaging.events import Touched, imaging_events
from app.records.request import Request

if TYPE_CHECKING:
    from app.hub import Hub


_UNESCAPED_PLUS = re.compile(r"(?<=application/dicom) (?=json|xml)", re.IGNORECASE)
"""What `accept=application/dicom+json` comes as: in an address a plus sign is itself, by the rules of forms a space."""


class DicomRequest(Request):
    """One request below `/dicomweb`.

    Attributes:
        form: The form of the path below the root, with stars for what it names.
        study: StudyInstanceUID in the path, or an empty text.
        series: SeriesInstanceUID in the path, or an empty text.
        instance: SOPInstanceUID in the path, or an empty text.
        frames: The frame list in the path, or an empty text.
        region: Left, top, right and bottom of what is cut out of a picture, as fractions, or None.
        bulk: What follows `bulkdata/` in the path, or an empty text.
        touched: Whose images the answer holds.
        sites: The custodians whose copies alone are meant; all of them when empty.
    """

    def __init__(self, hub: "Hub", scope: Mapping[str, Any], receive: Receive, caller: Caller) -> None:
        super().__init__(hub, scope, receive, caller)
        self.scope = scope
        self.form = ""
        self.study = ""
        self.series = ""
        self.instance = ""
        self.frames = ""
        self.region: tuple[float, float, float, float] | None = None
        self.bulk = ""
        self.touched: list[Touched] = []
        self.sites: frozenset[int] = frozenset()

    @property
    def root(self) -> str:
        """The public address of the DICOMweb service, without a slash at its end."""
        return self.hub.settings.dicomweb_address

    @property
    def accept(self) -> str:
        """What the caller takes; the `accept` parameter goes before the header (PS3.18 8.3.3.1)."""
        for name, value in self.pairs:
            if name == "accept":
                return _UNESCAPED_PLUS.sub("+", value)
        return self.headers.get(b"accept", b"").decode("latin-1")

    async def renew(self) -> None:
        """Identify the caller again, after its rights may have changed; the authority follows.

        Raises:
            Unauthorized: it may not call any more.
        """
        caller, secret = await identify(self.hub, self.scope)
        if caller.epoch != await epoch.current(self.hub.database.reader):
            self.hub.callers.forget(secret)
            caller, _ = await identify(self.hub, self.scope)
        self.decide(caller)

    def touch(self, touched: Iterable[Touched]) -> None:
        """Note whose images the answer holds, for the audit log."""
        found = list(touched)
        self.touched += found
        self.images_of.update((one.patient_key, one.custodian) for one in found)


async def tell(request: DicomRequest, status: int) -> list[Event]:
    """Return the events of a request that is answered with `status`."""
    return await imaging_events(request, request.touched, status)
