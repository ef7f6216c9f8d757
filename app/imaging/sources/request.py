"""The request that the hub's own work for a source makes at the gates: with the rights of the source's client."""

from typing import TYPE_CHECKING, Any

from app.imaging.request import DicomRequest
from app.imaging.sources.source import Registered
from app.records.request import replayed
from fhir.errors import Unauthorized

if TYPE_CHECKING:
    from app.hub import Hub


class SourceRequest(DicomRequest):
    """One piece of work: references to a study, or some instances that are to be kept here from now on.

    Args:
        hub: The running hub.
        registered: The source.
        interaction: What is done, by the name that the audit log uses.
    """

    def __init__(self, hub: "Hub", registered: Registered, interaction: str) -> None:
        scope: dict[str, Any] = {
            "method": "SOURCE",
            "path": f"/imaging-sources/{registered.source.name}",
            "query_string": b"",
            "headers": [],
            "client": None,
        }
        super().__init__(hub, scope, replayed(b""), registered.caller)
        self.interaction, self.action = interaction, "C"
        self._key = registered.source.key

    async def renew(self) -> None:
        """Ask again what the source's client may do.

        Raises:
            Unauthorized: it may not call any more.
        """
        found = await self.hub.sources.find(self._key, self.caller.organisation)
        if found is None:
            raise Unauthorized("The imaging source is not registered any more, or its client is disabled")
        self.decide(found.caller)
