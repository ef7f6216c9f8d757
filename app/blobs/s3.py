"""Blobs in S3 or a server that speaks it, by obstore.

Credentials and endpoint come from the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT`,
`AWS_REGION`, `AWS_ALLOW_HTTP`). https://developmentseed.org/obstore/
"""

from collections.abc import AsyncIterator
from pathlib import Path

import obstore
from obstore.store import S3Store

from app.blobs.store import BlobMissing, Incoming


class S3Blobs:
    """A bucket, or a prefix in one.

    Args:
        address: `s3://bucket/prefix`.
        spool: The folder in which uploads are gathered.
    """

    def __init__(self, address: str, spool: Path) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        self._store = S3Store(bucket, prefix=prefix or None)
        self._spool = spool

    def _key(self, custodian: int, digest: str) -> str:
        return f"{custodian}/{digest[:2]}/{digest}"

    def incoming(self) -> Incoming:
        """Begin a blob."""
        return Incoming(self._spool)

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a blob and return its digest once the server has acknowledged it."""
        digest = incoming.finish()
        await obstore.put_async(self._store, self._key(custodian, digest), incoming.path)
        incoming.discard()
        return digest

    async def read(self, custodian: int, digest: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, or all from there."""
        key = self._key(custodian, digest)
        try:
            if length is not None:
                return bytes(await obstore.get_range_async(self._store, key, start=start, length=length))
            got = await obstore.get_async(self._store, key)
            return bytes(await got.bytes_async())[start:]
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error

    async def stream(self, custodian: int, digest: str) -> AsyncIterator[bytes]:
        """Return the blob in pieces."""
        try:
            got = await obstore.get_async(self._store, self._key(custodian, digest))
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error
        async for piece in got.stream():
            yield bytes(piece)

    async def remove(self, custodian: int, digest: str) -> None:
        """Remove a blob."""
        await obstore.delete_async(self._store, self._key(custodian, digest))
