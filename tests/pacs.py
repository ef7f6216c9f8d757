"""A PACS of a site, on a port of this machine: enough of DICOMweb to be a source, and every way to misbehave.

It runs in the test's own event loop and answers over real sockets, so that what is connected to can be seen.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import orjson

from dicom.json_model import render
from dicom.part10 import read_instance
from tests.app.imaging.images import uids

Write = Callable[[bytes], Awaitable[None]]
JSON = "application/dicom+json"


@dataclass
class Pacs:
    """A PACS.

    Attributes:
        instances: Its files by SOP Instance UID.
        asked: The path of every request, with its query.
        headers: The headers of the last request, names in small letters.
        misbehave: Answers instead, if it is set: writes whatever it likes to the connection.
        without_metadata: Whether it lacks that service.
    """

    port: int = 0
    instances: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    misbehave: Callable[[str, Write], Awaitable[None]] | None = None
    without_metadata: bool = False

    @property
    def address(self) -> str:
        """The address of its DICOMweb services."""
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def take(self, *files: bytes) -> None:
        """Keep files."""
        for one in files:
            self.instances[uids(one)[2]] = one

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            while line := await reader.readline():
                path = line.split()[1].decode()
                self.headers = {}
                while (head := (await reader.readline()).decode().strip()) != "":
                    name, _, value = head.partition(":")
                    self.headers[name.lower()] = value.strip()
                self.asked.append(path)
                if self.misbehave is not None:
                    await self.misbehave(path, write)
                    break
                await write(self._answer(path))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> bytes:
        parts = urlsplit(path)
        words = parts.path.removeprefix("/dicom-web/").split("/")
        asked = dict(parse_qsl(parts.query))
        if words[-1] == "metadata":
            if self.without_metadata:
                return answer(404)
            found = [one for one in self.instances.values() if uids(one)[0] == words[1]]
            models = [render(read_instance(one)) for one in found if len(words) < 4 or uids(one)[1] == words[3]]
            # A source's own bulk data addresses lead nowhere in the hub.
            body = (b"[" + b",".join(models) + b"]").replace(
                b'"BulkDataURI":"', b'"BulkDataURI":"http://169.254.169.254/'
            )
            return answer(200, body, JSON) if models else answer(404)
        if len(words) == 6 and words[4] == "instances":
            one = self.instances.get(words[5])
            return answer(404) if one is None else instance_answer(one)
        return self._search(words, asked)

    def _search(self, words: list[str], asked: dict[str, str]) -> bytes:
        level = len(words) // 2
        found: dict[str, dict[str, object]] = {}
        for one in self.instances.values():
            mine = uids(one)
            model = orjson.loads(render(read_instance(one)))
            day = (model.get("00080020", {}).get("Value") or [""])[0]
            if (*words[1:2], *words[3:4])[:level] != mine[:level]:
                continue
            if asked.get("StudyDate", day) == day and asked.get("StudyInstanceUID", mine[0]) == mine[0]:
                found.setdefault(mine[level], _of_level(model, level))
        start = int(asked.get("offset", "0"))
        page = list(found.values())[start : start + int(asked.get("limit", "1000"))]
        return answer(200, orjson.dumps(page), JSON) if page else answer(204)


_STUDY = ("00080020", "00080030", "00080050", "00081030", "00100010", "00100020", "00100021", "00100030", "00100040")
_LEVELS = (
    (*_STUDY, "0020000D"),
    ("0020000D", "0020000E", "00080060", "00200011", "0008103E"),
    ("0020000D", "0020000E", "00080016", "00080018", "00200013", "00280008"),
)


def _of_level(model: dict[str, object], level: int) -> dict[str, object]:
    return {tag: model[tag] for tag in _LEVELS[level] if tag in model}


def answer(status: int, body: bytes = b"", kind: str = "text/plain", **headers: str) -> bytes:
    """Return an HTTP answer."""
    lines = [f"HTTP/1.1 {status} -", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def instance_answer(*files: bytes, **headers: str) -> bytes:
    """Return an HTTP answer of instances in parts."""
    parts = [b"--b0\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in files]
    body = b"".join(parts) + b"--b0--\r\n"
    return answer(200, body, 'multipart/related; type="application/dicom"; boundary=b0', **headers)


@asynccontextmanager
async def a_pacs(*files: bytes) -> AsyncIterator[Pacs]:
    """Run a PACS with some files."""
    pacs = Pacs()
    pacs.take(*files)
    server = await asyncio.start_server(pacs.serve, "127.0.0.1", 0)
    pacs.port = server.sockets[0].getsockname()[1]
    try:
        yield pacs
    finally:
        server.close()
