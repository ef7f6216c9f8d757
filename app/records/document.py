"""A document or collection Bundle: kept whole, and its entries made searchable.

Everything taken from it belongs to the patient it is about, carries its labels, and is named by one Provenance. A later
send of the same document replaces it (`app/records/documents/`). https://profiles.ihe.net/ITI/mXDE/
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.records.checked import checked
from app.records.documents.filing import Filing
from app.records.prepare import Prepared, prepare
from app.records.request import FhirRequest
from app.records.writing import Writing
from fhir.documents.kind import Kind, kind, kind_of_tree
from fhir.documents.rules import broken
from fhir.documents.split import NOT_STORED, TYPES, Extract, split
from fhir.envelope import Envelope, read_bundle
from fhir.errors import Unprocessable
from fhir.issue import Issue
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class Document:
    """A document that may be stored: the Bundle, and what is taken from it, checked."""

    bundle: Prepared
    envelope: Envelope
    extract: Extract
    kind: Kind
    entries: tuple[Prepared, ...]
    """Of `extract.resources`, in their order."""
    numbers: tuple[int, ...]
    """The number of each in the Bundle, from 0."""
    warnings: tuple[Issue, ...]
    """What is wrong with it, and does not refuse it."""


def is_document(prepared: Prepared) -> bool:
    """Return whether a resource is a Bundle that is taken apart."""
    return prepared.type == "Bundle" and prepared.resource.get("type") in TYPES


def is_plain(prepared: Prepared) -> bool:
    """Return whether a Bundle is a collection of no specification that is not about one patient.

    Nothing can be taken from it; under an id that its site has chosen it is kept like any other resource.
    """
    bundle = prepared.resource
    if not is_document(prepared) or bundle["type"] != "collection" or kind_of_tree(bundle) != "other":
        return False
    patients = [one for one in bundle.get("entry", ()) if one.get("resource", {}).get("resourceType") == "Patient"]
    return len(patients) != 1


def prepare_document(
    request: FhirRequest, bundle: Prepared, *, sources: Sequence[bytes | None] | None = None
) -> Document:
    """Return a document whose every entry is checked.

    Args:
        request: Who sends it.
        bundle: The document.
        sources: What its sender wrote of each entry's resource, when that was XML; those of the request, unless said.

    Raises:
        Unprocessable: an entry breaks a rule of R4, a reference means no entry, the patient is not one, or a rule of
            Japan's documents is broken where the hub is strict about this kind.
        Forbidden: an entry is not the caller's to write.
    """
    settings = request.hub.settings
    own = request.sources if sources is None else sources
    envelope = read_bundle(bundle.body, most=settings.bundle_entries, sources=own)
    # What is taken apart has the structure of R4. Profiles that the entries name were checked with the Bundle.
    prepared = {
        number: prepare(
            entry.resource, request.authority, path=f"Bundle.entry[{number}].resource", received=entry.source
        )
        for number, entry in enumerate(envelope.entries)
        if entry.resource is not None and entry.type not in NOT_STORED
    }
    extract = split(envelope)
    if extract.issues:
        raise Unprocessable("The document is not whole", issues=extract.issues)
    places = {id(entry): number for number, entry in enumerate(envelope.entries)}
    numbers = tuple(places[id(entry)] for entry in extract.resources)
    entries = tuple(prepared[number] for number in numbers)
    found = kind(envelope.head, extract.composition)
    strict = settings.profiles_strict or found in settings.strict_documents
    wrong = tuple(broken(found, envelope, strict=strict))
    if any(one.severity == "error" for one in wrong):
        raise Unprocessable("The document breaks a rule of its specification", issues=wrong)
    return Document(bundle, envelope, extract, found, entries, numbers, (*bundle.warnings, *wrong))


async def document_of(request: FhirRequest, prepared: Prepared) -> Document | None:
    """Return the document that a request sends; None for any other resource."""
    if not is_document(prepared):
        return None
    return await checked(request.hub, lambda: prepare_document(request, prepared), len(prepared.body))


async def file_document(
    writing: Writing,
    document: Document,
    *,
    described: str | None = None,
    patient: tuple[str, int] | None = None,
    row: int = 0,
    id_: str = "",
    replaced: Collection[str] = (),
) -> Stored:
    """Gather a document and everything taken from it, and return the version of the Bundle that holds its bytes.

    Sent once more, nothing is gathered. A version that is older than what is there becomes history.

    Args:
        writing: The write transaction.
        document: The document.
        described: The DocumentReference that its sender writes for it, `DocumentReference/1`, or an empty text for one
            that is written later; unless said, a document (not a collection) gets one of the hub's.
        patient: Id and key of the site's Patient whom it is about, where the Patient in it has no identifier that the
            site knows.
        row: The row number of its Bundle, when it was given before.
        id_: The id that the Bundle has or is to have, when the request names it.
        replaced: The ids of DocumentReferences that are superseded by the one that its sender writes for it: where the
            document holds by one of them, this version holds from now on, whenever it was made.

    Raises:
        Conflict: the document was about another patient, has another id, or was deleted after this version was made.
        NotFound: there is no such Bundle, and the id is not the caller's to choose.
    """
    return await Filing(writing, document, described, patient, row=row, id_=id_, replaced=replaced).file()
