"""Blobs in S3 or a server that speaks it, by obstore.

Credentials and endpoint come from the usual variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT`,
`AWS_REGION`, `AWS_ALLOW_HTTP`). https://developmentseed.org/obstore/
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.store import S3Store

from app.blobs.store import ASIDE, IS_DIGEST, PAGE, BlobMissing, Incoming, Kept, clear_incoming
from app.clock import EPOCH

T = TypeVar("T")

UPLOADS = 8
"""Of one request at the same time."""

CLOCK = "clock"
"""The object that is written to learn the server's time."""


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

    def _key(self, custodian: int, digest: str, *, aside: bool = False) -> str:
        return f"{_top(custodian, aside)}/{digest[:2]}/{digest}"

    async def _found(self, custodian: int, digest: str, ask: Callable[[str], Awaitable[T]]) -> T:
        here, aside = self._key(custodian, digest), self._key(custodian, digest, aside=True)
        # It may be brought back between the first look and the second.
        for key in (here, aside, here):
            try:
                return await ask(key)
            except FileNotFoundError:
                continue
        raise BlobMissing(digest)

    def incoming(self) -> Incoming:
        """Begin a blob."""
        return Incoming(self._spool)

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a blob and return its digest once the server has acknowledged it."""
        digest = await asyncio.to_thread(incoming.finish)
        await obstore.put_async(self._store, self._key(custodian, digest), incoming.path)
        incoming.discard()
        return digest

    async def keep_all(self, custodian: int, incoming: Sequence[Incoming]) -> None:
        """Keep several blobs, a few at a time."""
        places = asyncio.Semaphore(UPLOADS)

        async def keep(one: Incoming) -> None:
            async with places:
                await self.keep(custodian, one)

        async with asyncio.TaskGroup() as tasks:
            for one in incoming:
                tasks.create_task(keep(one))

    async def read(self, custodian: int, digest: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, or all from there."""

        async def ask(key: str) -> bytes:
            if length is not None:
                return bytes(await obstore.get_range_async(self._store, key, start=start, length=length))
            got = await obstore.get_async(self._store, key)
            return bytes(await got.bytes_async())[start:]

        return await self._found(custodian, digest, ask)

    async def stream(self, custodian: int, digest: str) -> AsyncIterator[bytes]:
        """Return the blob in pieces."""
        got = await self._found(custodian, digest, lambda key: obstore.get_async(self._store, key))
        async for piece in got.stream():
            yield bytes(piece)

    async def now(self) -> int:
        """Return the present by the server's clock, in whole seconds as S3 has them."""
        await obstore.put_async(self._store, CLOCK, b"")
        return _microseconds((await obstore.head_async(self._store, CLOCK))["last_modified"])

    async def custodians(self, *, aside: bool = False) -> list[int]:
        """Return the custodians that have a prefix."""
        found = await obstore.list_with_delimiter_async(self._store, ASIDE if aside else None)
        names = [prefix.rsplit("/", 1)[-1] for prefix in found["common_prefixes"]]
        return sorted(int(name) for name in names if name.isdecimal())

    async def listing(self, custodian: int, *, aside: bool = False) -> AsyncIterator[list[Kept]]:
        """Return the blobs of a custodian in pages."""
        async for page in obstore.list(self._store, _top(custodian, aside), chunk_size=PAGE):
            named = [(one["path"].rsplit("/", 1)[-1], one) for one in page]
            yield [
                Kept(custodian, digest, one["size"], _microseconds(one["last_modified"]))
                for digest, one in named
                if IS_DIGEST(digest)
            ]

    async def set_aside(self, custodian: int, digest: str, before: int) -> bool:
        """Put a blob aside: one that comes between copy and removal has the same bytes as the copy."""
        key = self._key(custodian, digest)
        try:
            if _microseconds((await obstore.head_async(self._store, key))["last_modified"]) >= before:
                return False
            await obstore.copy_async(self._store, key, self._key(custodian, digest, aside=True))
        except FileNotFoundError:
            return False
        await obstore.delete_async(self._store, key)
        return True

    async def bring_back(self, custodian: int, digest: str) -> bool:
        """Put a copy of a blob that was set aside back unless one is in its place.

        What was set aside stays for its time: a removal of the former one may still be on its way.
        """
        key = self._key(custodian, digest)
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            pass
        else:
            return False
        try:
            await obstore.copy_async(self._store, self._key(custodian, digest, aside=True), key)
        except FileNotFoundError:
            return False
        return True

    async def remove_aside(self, custodian: int, digest: str) -> None:
        """Remove a blob that was set aside."""
        await obstore.delete_async(self._store, self._key(custodian, digest, aside=True))

    def clear_incoming(self) -> int:
        """Remove what interrupted uploads left on this machine and return its bytes."""
        return clear_incoming(self._spool)


def _top(custodian: int, aside: bool) -> str:
    return f"{ASIDE}/{custodian}" if aside else str(custodian)


def _microseconds(moment: datetime) -> int:
    """Return an instant as microseconds since 1970 UTC."""
    return (moment - EPOCH) // timedelta(microseconds=1)
