"""A request that is answered later, as it is kept: its line, the headers that matter, and where its body lies."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Integer, Text, bindparam, delete

from app.access.caller import Caller
from app.blobs.tables import blob
from app.db import WriteConnection
from app.hub import Hub
from app.records.jobs.job import Job
from app.records.request import FhirRequest, replayed

_HEADERS = frozenset(
    (
        *(b"content-type", b"content-encoding", b"x-request-id"),
        *(b"if-match", b"if-none-match", b"if-none-exist", b"if-modified-since"),
    )
)
HEAD_BYTES = 32
"""The job's id: no two bodies are equal, so that each blob has one reference."""

_REMOVE_BODY = delete(blob).where(
    blob.c.custodian == bindparam("k_custodian", type_=Integer), blob.c.digest == bindparam("k_digest", type_=Text)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked.

    Attributes:
        reads: Whether it only reads, and so is done whenever it is fetched.
        custodian: Under whom the body is kept.
        digest: The body's blob; empty when there is no body.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    network: str
    reads: bool
    custodian: int = 0
    digest: str = ""

    def text(self) -> str:
        """Return it as it is kept."""
        return orjson.dumps(asdict(self)).decode()


def _preferences(prefer: bytes) -> bytes:
    """Return what is preferred beside being answered later."""
    return b", ".join([one.strip() for one in prefer.split(b",") if one.strip() != b"respond-async"])


def asked(request: FhirRequest, *, reads: bool, digest: str) -> Asked:
    """Return what a request asks."""
    headers = {name: value for name, value in request.headers.items() if name in _HEADERS}
    if preferences := _preferences(request.headers.get(b"prefer", b"")):
        headers[b"prefer"] = preferences
    return Asked(
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()},
        request.network,
        reads,
        request.caller.organisation,
        digest,
    )


def asked_of(job: Job) -> Asked:
    """Return what the request of a job asked."""
    return Asked(**orjson.loads(job.request))


async def again(hub: Hub, known: Asked, caller: Caller, credentials: list[tuple[bytes, bytes]]) -> FhirRequest:
    """Return the request that was asked, in the name of `caller`.

    Args:
        hub: The running hub.
        known: What was asked.
        caller: Who it is, with the rights of now.
        credentials: Headers by which the caller can be identified once more; none for the hub's own work.

    Raises:
        BlobMissing: the body is gone.
    """
    body = await hub.blobs.read(known.custodian, known.digest, HEAD_BYTES) if known.digest else b""
    if known.path.endswith("/_search"):
        # How the answer is written is asked of the status.
        body = b"&".join([part for part in body.split(b"&") if not part.startswith(b"_format=")])
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in known.headers.items()]
    headers += [(b"content-length", str(len(body)).encode()), *credentials]
    scope: dict[str, Any] = {
        "method": known.method,
        "path": known.path,
        "query_string": known.query.encode("latin-1"),
        "headers": headers,
        "client": (known.network, 0),
    }
    request = FhirRequest(hub, scope, replayed(body), caller)
    request.nested = True
    return request


async def remove_body(connection: WriteConnection, known: Asked) -> None:
    """Take the reference to a body away, inside a write transaction; its blob is collected."""
    if known.digest:
        await connection.execute(_REMOVE_BODY, {"k_custodian": known.custodian, "k_digest": known.digest})
