"""The failures of the dicom room as those of the doors: one table."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dicom.accept import NotAcceptable
from dicom.multipart import MalformedMultipart, TooLarge
from dicom.store.unindexed import TooBroad
from fhir import errors

A = TypeVar("A")
R = TypeVar("R")

FAILURES: tuple[tuple[type[Exception], type[errors.FhirError], str], ...] = (
    (TooLarge, errors.TooLarge, ""),
    (TooBroad, errors.TooLarge, ""),
    (MalformedMultipart, errors.InvalidValue, ""),
    (NotAcceptable, errors.NotAcceptable, "Nothing the hub can give is among what is taken: "),
)
"""What is raised, what it becomes, and the words before its own."""


_KINDS = tuple(kind for kind, _, _ in FAILURES)


def translated(answer: Callable[[R], Awaitable[A]]) -> Callable[[R], Awaitable[A]]:
    """Return `answer` with the failures of the dicom room as those of the doors."""

    async def run(request: R) -> A:
        try:
            return await answer(request)
        except _KINDS as error:
            _, becomes, words = next(row for row in FAILURES if isinstance(error, row[0]))
            raise becomes(f"{words}{error}") from error

    return run
