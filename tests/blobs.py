"""Blobs for tests that collect them. Plain functions, as in tests/world.py."""

from app.blobs.store import DAY
from app.hub import Hub

ALWAYS = 1 << 62
"""An instant before which everything was written."""


def pass_days(hub: Hub, days: float) -> None:
    """Let the store's clock be so many days ahead of when its blobs are written."""
    real = type(hub.blobs).now

    async def now() -> int:
        return await real(hub.blobs) + round(days * DAY)

    hub.blobs.now = now  # type: ignore[method-assign]


async def leave_blob(hub: Hub, custodian: int, octets: bytes) -> str:
    """Keep a blob that nothing refers to."""
    incoming = hub.blobs.incoming()
    incoming.write(octets)
    return await hub.blobs.keep(custodian, incoming)


async def in_place(hub: Hub, custodian: int) -> set[str]:
    return {one.digest async for page in hub.blobs.listing(custodian) for one in page}
