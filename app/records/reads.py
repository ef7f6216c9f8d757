"""Reads inside a transaction: they come last, and see what it wrote. https://hl7.org/fhir/R4/http.html#trules."""

from collections.abc import Sequence
from dataclasses import replace

from app.access import epoch
from app.audit.record import Event
from app.db import DatabaseConnection
from app.records.batch import entry_answer, inner_request
from app.records.events import events
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.steps import name_entry
from app.records.writing import Writing
from fhir.envelope import Envelope
from fhir.errors import FhirError, NotSupported

READ_INTERACTIONS = frozenset(("read", "vread", "search-type", "history-instance", "history-type", "history-system"))
"""What may be asked by GET inside a transaction."""


class Reads:
    """The entries of a transaction that only read.

    Attributes:
        answers: The response entry of each, by its number, once they were read.
    """

    def __init__(self, request: FhirRequest, envelope: Envelope, numbers: Sequence[int]) -> None:
        self.answers: dict[int, bytes] = {}
        self._request = request
        self._entries = {number: envelope.entries[number] for number in numbers}
        self._asked: list[FhirRequest] = []

    async def read(self, _: object, writing: Writing) -> None:
        """Read inside the transaction, once everything is written.

        Raises:
            FhirError: one cannot be read; the expression names the entry, and nothing stays written.
        """
        if not self._entries:
            return
        # A Consent in the transaction changes the rights of callers, and they count from here on.
        caller = replace(self._request.caller, epoch=await epoch.current(writing.connection))
        for number, entry in self._entries.items():
            try:
                self.answers[number] = await self._one(inner_request(self._request, entry, caller), writing)
            except FhirError as error:
                name_entry(error, number)
                raise

    async def _one(self, inner: FhirRequest | None, writing: Writing) -> bytes:
        from app.records.interactions import find

        if inner is None:
            raise NotSupported("An entry of a transaction has a request")
        interaction = find(inner)
        if interaction.code not in READ_INTERACTIONS:
            raise NotSupported(f"{interaction.code} inside a transaction is not supported")
        inner.interaction, inner.action = interaction.code, interaction.action
        inner.record.connection = writing.connection
        response = await interaction.answer(inner)
        if not isinstance(response, Response):
            raise NotSupported("A stream inside a transaction is not supported")
        self._asked.append(inner)
        return entry_answer(response)

    async def events(self, connection: DatabaseConnection) -> list[Event]:
        """Return the events of what was read."""
        told: list[Event] = []
        for inner in self._asked:
            told += await events(inner, inner.record.disclosed, 200, connection)
        return told
