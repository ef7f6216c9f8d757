"""The line to the hub for files of SS-MIX2 stores: batches as NDJSON, an answer for each file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.access.transactions import SSMIX2
from app.exchange.ssmix2.gateway.hub_line import Answered, HubLine, LineDown, NotLetIn, NotTaken, failed

__all__ = ["Answered", "Letter", "Line", "LineDown", "NotLetIn", "NotTaken"]

DOOR = "/exchange/ssmix2/files"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Letter:
    """A file on its way."""

    path: str
    body: bytes = b""
    parts: Mapping[str, bytes] | None = None
    """The files of a content folder by their names, instead of `body`."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body) + sum(map(len, (self.parts or {}).values()))

    def line(self) -> bytes:
        """Return it as the hub's door takes it."""
        told: dict[str, Any] = {"path": self.path}
        if self.parts is None:
            told["body"] = b64encode(self.body).decode()
        else:
            told["parts"] = {name: b64encode(octets).decode() for name, octets in self.parts.items()}
        return orjson.dumps(told)


class Line(HubLine):
    """The line to one hub; as for `HubLine`, whose scope is that of the door."""

    scope = SSMIX2

    async def send(self, letters: Sequence[Letter]) -> list[Answered]:
        """Send files and return what became of each, in their order.

        Raises:
            LineDown: it is to be sent again later; perhaps the hub has some of it.
            NotTaken: it is to be sent in smaller batches.
            NotLetIn: the gateway is refused.
        """
        body = b"\n".join(letter.line() for letter in letters)
        response = await self.post(DOOR, lambda: body, {"content-type": NDJSON})
        if response.status_code in (400, 413, 422):
            raise NotTaken(response.text[:300])
        if response.status_code != 200:
            raise failed(response)
        return [Answered(one["path"], one["state"], one["findings"]) for one in orjson.loads(response.content)["files"]]
