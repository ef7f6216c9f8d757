import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from app.records.response import Streamed

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("head", "leaves", "made"), [(False, 3, 4), (False, 99, 10), (True, 99, 0)])
async def test_no_more_is_made_than_somebody_waits_for(head: bool, leaves: int, made: int) -> None:
    chunks: list[bytes] = []
    sent: list[Message] = []
    has_left = asyncio.Event()
    ended: list[bool] = []

    async def making() -> AsyncIterator[bytes]:
        try:
            for number in range(10):
                chunks.append(b"%d" % number)
                yield chunks[-1]
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    messages: list[Message] = [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await has_left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if len([one for one in sent if one.get("body")]) == leaves:
            has_left.set()

    await Streamed(making()).send(send, head=head, receive=receive)

    assert len(chunks) <= made
    assert len(chunks) == made or leaves == 3
    assert ended == [True] * (not head)
    assert b"".join(one["body"] for one in sent[1:]) == b"".join(chunks[:leaves] if leaves == 3 else chunks)
