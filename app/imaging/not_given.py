"""Instances that could not be given lately: the next answer that would hold them says so before it begins."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.imaging.request import DicomRequest
    from dicom.store.read import InstanceRow

NOTED_SECONDS = 120.0
"""For so long what could not be given is left out of answers that begin; asked for alone it is tried each time."""

MOST_NOTED = 10_000

Noted = tuple[int, int, str]
"""Patient key, row, and the form in which it was asked for."""


class NotGiven:
    """What could not be given lately, as one process knows it."""

    def __init__(self) -> None:
        self._until: OrderedDict[Noted, float] = OrderedDict()

    def add(self, request: "DicomRequest", rows: "Sequence[InstanceRow]") -> None:
        """Note what could not be given in the form that a request asks for."""
        until = time.monotonic() + NOTED_SECONDS
        for row in rows:
            self._until.pop(_noted(request, row), None)
            self._until[_noted(request, row)] = until
        while len(self._until) > MOST_NOTED:
            self._until.popitem(last=False)

    def has(self, request: "DicomRequest", row: "InstanceRow") -> bool:
        """Return whether an instance could not be given lately."""
        return self._until.get(_noted(request, row), 0.0) > time.monotonic()


def _noted(request: "DicomRequest", row: "InstanceRow") -> Noted:
    return row.patient_key, row.id, f"{request.form.rpartition('/')[2]} {request.accept}"
