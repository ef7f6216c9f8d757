"""What a document says of one fact: the entry's bytes, and what its links lead to."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.records.documents import kept
from app.records.documents.kept import Source
from app.records.prepare import Prepared, prepare
from app.records.writing import Writing
from fhir.documents.subject import logical_subject
from fhir.envelope import Envelope, read_bundle
from fhir.resolve import resolve_internal


@dataclass(frozen=True, slots=True)
class Statement:
    """What a document says of one fact."""

    prepared: Prepared
    links: Mapping[str, str]
    """From the links in it to the references that are stored."""
    subject: tuple[str, str] | None
    """The element that names the patient by a number alone, and the reference that is put in."""


def statement(prepared: Prepared, links: Mapping[str, str], patient: str) -> Statement:
    """Return what an entry says.

    Args:
        prepared: The entry, checked.
        links: From the links in it to the references that are stored.
        patient: Reference to the patient of the document.
    """
    element = logical_subject(prepared.resource) if b'"identifier"' in prepared.body else ""
    return Statement(prepared, links, (element, patient) if element else None)


class Statements:
    """What documents that are stored say, read again from their Bundles.

    Args:
        writing: The write transaction.
        patient_key: Whose documents they are.
    """

    def __init__(self, writing: Writing, patient_key: int) -> None:
        self._writing = writing
        self._patient_key = patient_key
        self._read: dict[int, tuple[Envelope, tuple[Mapping[str, str], ...]]] = {}

    async def of(self, source: Source) -> Statement:
        """Return what an entry says."""
        if source.document not in self._read:
            self._read[source.document] = await self._document(source.document)
        envelope, links = self._read[source.document]
        resource = envelope.entries[source.entry].resource or b""
        request = self._writing.request
        patient = await request.hub.patient_reference(self._patient_key)
        return statement(prepare(resource, request.authority), links[source.entry], patient)

    async def _document(self, row: int) -> tuple[Envelope, tuple[Mapping[str, str], ...]]:
        connection, hub = self._writing.connection, self._writing.request.hub
        bundle = (await kept.resources(connection, self._patient_key, [row]))[row]
        envelope = read_bundle(bytes(bundle.body), most=hub.settings.bundle_entries)
        rows = await kept.entries(connection, self._patient_key, row)
        found = await kept.resources(connection, self._patient_key, set(rows.values()))
        assigned = [
            f"{found[rows[number]].type}/{found[rows[number]].id}" if rows.get(number) in found else None
            for number in range(len(envelope.entries))
        ]
        return envelope, resolve_internal(envelope.entries, assigned, by_id=True).links
