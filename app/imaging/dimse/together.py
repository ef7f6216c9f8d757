"""Instances that come at once on several associations of a node are filed in one transaction, with one flush.

What is filed together is what came while the transaction before was under way: nobody waits for others.
"""

import asyncio

from app.imaging.dimse.request import DimseRequest
from app.imaging.keep import Failure, Received
from app.imaging.stored import IN_REVIEW, stored

MOST_TOGETHER = 50
"""Instances in one transaction: each of their senders waits for all of them."""

_Waiting = tuple[DimseRequest, Received, "asyncio.Future[Failure | str]"]


class Together:
    """What waits to be filed, by node."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def file(self, request: DimseRequest, received: Received) -> Failure | str:
        """Return why an instance was not filed, or a warning, empty for most: then it is durable, its record too.

        Raises:
            StaleCaller: the caller's rights changed again and again.
            FhirError: it may not store instances any more.
            DatabaseUnavailable: nothing can be written now.
        """
        node = request.node.binding.name
        answer: asyncio.Future[Failure | str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(node, []).append((request, received, answer))
        if node not in self._tasks:
            self._tasks[node] = asyncio.create_task(self._work(node), name="filing of instances")
        found = await answer
        request.recorded = not isinstance(found, Failure)
        request.brought = "" if found else received.extracted.facts.study.study_instance_uid
        return found

    async def _work(self, node: str) -> None:
        try:
            while waiting := self._waiting.pop(node, None):
                if len(waiting) > MOST_TOGETHER:
                    self._waiting[node] = waiting[MOST_TOGETHER:]
                await _file(waiting[:MOST_TOGETHER])
        finally:
            del self._tasks[node]


async def _file(waiting: list[_Waiting]) -> None:
    request, _, _ = waiting[0]
    try:
        filed = await stored(request, [received for _, received, _ in waiting], more_to_come=True)
    except BaseException as error:
        for _, _, answer in waiting:
            if not answer.done():
                answer.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
        if not isinstance(error, Exception):
            raise
        return
    kept = {id(one): "" for one in filed.stored} | {id(one): IN_REVIEW for one in filed.reviewed}
    failures = iter(filed.failures)
    for _, received, answer in waiting:
        found = kept[id(received)] if id(received) in kept else next(failures)
        if not answer.done():
            answer.set_result(found)
