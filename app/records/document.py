"""A document or collection Bundle posted to `/fhir/Bundle`: kept whole, and its entries made searchable.

Everything taken from it belongs to the patient it is about, carries its labels, and is named by one Provenance.
https://profiles.ihe.net/ITI/mXDE/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import orjson

from app.clock import instant
from app.identity.known import known_patient
from app.records.prepare import Prepared, prepare
from app.records.request import FhirRequest
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.provenance import provenance
from fhir.documents.split import Extract, split
from fhir.envelope import read_bundle
from fhir.errors import Unprocessable
from fhir.resolve import resolve_internal
from fhir.store.labels import bit
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be stored: the Bundle, and what is taken from it, checked."""

    bundle: Prepared
    extract: Extract
    entries: tuple[Prepared, ...]


def prepare_document(
    request: FhirRequest, bundle: Prepared, *, sources: Sequence[bytes | None] | None = None
) -> Document:
    """Return a document whose every entry is checked.

    Args:
        request: Who sends it.
        bundle: The document.
        sources: What its sender wrote of each entry's resource, when that was XML; those of the request, unless said.

    Raises:
        Unprocessable: an entry breaks a rule of R4, a reference means no entry, or the patient is not one.
        Forbidden: an entry is not the caller's to write.
    """
    own = request.sources if sources is None else sources
    envelope = read_bundle(bundle.body, most=request.hub.settings.bundle_entries, sources=own)
    extract = split(envelope)
    if extract.issues:
        raise Unprocessable("The document is not whole", issues=extract.issues)
    places = {id(entry): number for number, entry in enumerate(envelope.entries)}
    # Profiles that the entries name were checked with the Bundle.
    entries = tuple(
        prepare(
            entry.resource or b"",
            request.authority,
            path=f"Bundle.entry[{places[id(entry)]}].resource",
            received=entry.source,
        )
        for entry in extract.resources
    )
    return Document(bundle, extract, entries)


class _Filing:
    """One document on its way into the store."""

    def __init__(self, writing: Writing, document: Document, patient: tuple[str, int] | None) -> None:
        self._writing = writing
        self._patient = patient
        self._document = document
        self._labels = document.extract.labels
        self._bits = 0
        for label in self._labels:
            self._bits |= bit(label.get("system"), label.get("code"))
        self._assigned: list[tuple[int, str]] = []
        self._patient_key = 0

    async def _assign(self) -> list[str]:
        """Give each entry its id; the Patient's is that of the site's own, when it is known there."""
        references = []
        hub = self._writing.request.hub
        custodian = self._writing.request.authority.custodian
        for entry, prepared in zip(self._document.extract.resources, self._document.entries, strict=True):
            row, id_ = new_id(hub)
            if entry is self._document.extract.patient:
                known = await known_patient(self._writing.connection, prepared.resource, custodian) or self._patient
                if known is not None:
                    id_, self._patient_key = known
                    row = 0
                else:
                    self._patient_key = row
                    self._writing.announce_patient(id_, row)
            self._assigned.append((row, id_))
            references.append(f"{prepared.type}/{id_}")
        return references

    async def _entry(self, number: int, links: dict[str, str]) -> Stored | None:
        row, id_ = self._assigned[number]
        if not row:
            return None
        return await self._writing.create(
            self._document.entries[number],
            row=row,
            id_=id_,
            references=links,
            patient_key=self._patient_key,
            inherited_labels=self._bits,
            security=self._labels,
        )

    async def file(self) -> Stored:
        """Gather the Bundle, its entries and their Provenance; return the Bundle."""
        extract = self._document.extract
        references = await self._assign()
        resolved = resolve_internal(extract.resources, references, by_id=True)
        made = []
        for number in range(len(extract.resources)):
            stored = await self._entry(number, dict(resolved.links[number]))
            if stored is not None:
                made.append(f"{stored.type}/{stored.id}")
        bundle = await self._writing.create(
            self._document.bundle, patient_key=self._patient_key, inherited_labels=self._bits, security=self._labels
        )
        await self._provenance(bundle, made)
        return bundle

    async def _provenance(self, bundle: Stored, targets: list[str]) -> None:
        request = self._writing.request
        resource = provenance(
            targets,
            f"Bundle/{bundle.id}",
            recorded=instant(request.now),
            organization=request.caller.organisation_reference,
            version=version("renkei"),
        )
        await self._writing.create(
            prepare(orjson.dumps(resource), request.authority),
            patient_key=self._patient_key,
            inherited_labels=self._bits,
            security=self._labels,
        )


async def file_document(writing: Writing, document: Document, *, patient: tuple[str, int] | None = None) -> Stored:
    """Gather a document and everything taken from it, and return the stored Bundle.

    `patient` is the id and key of the site's Patient whom it is about, where it has no identifier that the site knows.
    """
    return await _Filing(writing, document, patient).file()
