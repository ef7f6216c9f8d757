"""A DIMSE request carried out at the hub's gates: decided, done, and recorded before it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.doors import MOST_ATTEMPTS, Door, recorded
from app.imaging.dimse.request import DimseRequest
from app.imaging.request import tell
from app.records.record import StaleCaller
from app.records.response import Response
from app.records.scoped import check_images
from dicom.services.statuses import NOT_AUTHORISED, OUT_OF_RESOURCES, SUCCESS, UNABLE_TO_PROCESS
from fhir.errors import FhirError

T = TypeVar("T")

UNPROCESSABLE = 422
"""The HTTP status that says the same as a failure of DIMSE, for the audit log."""


class Refused(Exception):
    """A request is answered with a failure; nothing was done.

    Attributes:
        code: The status of DIMSE.
        reason: In words, for whoever asked.
        status: The HTTP status that says the same.
    """

    def __init__(self, code: int, reason: str, status: int = UNPROCESSABLE) -> None:
        super().__init__(reason)
        self.code, self.reason, self.status = code, reason, status


@dataclass(slots=True)
class Done(Generic[T]):
    """What became of a request.

    Attributes:
        status: The HTTP status that says the same.
        code: The status of DIMSE.
        reason: In words, when it failed.
        result: What it found, when it did not.
    """

    status: int
    code: int
    reason: str = ""
    result: T | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


async def carried_out(request: DimseRequest, work: Callable[[DimseRequest], Awaitable[T]]) -> Done[T]:
    """Return what became of a request; its audit record is durable.

    A failure is an answer too. What was begun under rights that have changed since is begun anew.
    """

    async def answer(_: DimseRequest) -> Done[T]:
        try:
            check_images(request)
            return Done(200, SUCCESS, result=await work(request))
        except Refused as error:
            request.touched.clear()
            return Done(error.status, error.code, error.reason)
        except FhirError as error:
            request.touched.clear()
            return Done(error.status, _code(error.status), str(error))

    door: Door[DimseRequest, Done[T]] = Door(DimseRequest, lambda _: answer, tell)  # type: ignore[arg-type]
    for _ in range(MOST_ATTEMPTS):
        try:
            found = await recorded(door, request)
        except StaleCaller:
            try:
                await request.renew()
            except FhirError as error:
                return Done(error.status, _code(error.status), str(error))
            continue
        if isinstance(found, Response):
            return Done(found.status, _code(found.status), "The hub cannot do this now")
        return found
    return Done(503, OUT_OF_RESOURCES, "The rights of applications change just now; please try again")


def _code(status: int) -> int:
    """Return the status of DIMSE that says the same as an HTTP status."""
    if status in (401, 403):
        return NOT_AUTHORISED
    return OUT_OF_RESOURCES if status in (413, 429, 503) else UNABLE_TO_PROCESS
