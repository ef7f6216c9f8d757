"""Documents that are Bundles, among what is provided: filed as those that are posted by themselves."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from app.exchange.mhd.submission import Part
from app.records.document import Document, file_document, prepare_document
from app.records.documents.kept import resources
from app.records.request import FhirRequest
from app.records.steps import Step, name_entry
from app.records.writing import Writing
from fhir.errors import FhirError
from fhir.store.stored import Stored

_PATIENT = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})")


class Filed(NamedTuple):
    """A document that was filed.

    Attributes:
        bundle: Its Bundle as it is stored.
        patient: The reference of the site's Patient whom it is about.
        names: What references to that Patient are in the document: the fullUrl of its entry.
        is_past: Whether a newer version of it holds.
    """

    bundle: Stored
    patient: str
    names: tuple[str, ...]
    is_past: bool


def prepare_bundles(request: FhirRequest, documents: Sequence[Step]) -> list[Document]:
    """Return documents whose every entry is checked, in their order.

    Raises:
        FhirError: one is refused; the expression names its entry.
    """
    made = []
    for step in documents:
        if step.prepared is None:
            continue
        try:
            made.append(prepare_document(request, step.prepared, sources=()))
        except FhirError as error:
            name_entry(error, step.number)
            raise
    return made


async def file_bundle(
    writing: Writing,
    document: Document,
    part: Part,
    *,
    described: str | None,
    subject: str | None,
    replaced: Collection[str] = (),
) -> Filed:
    """File a document.

    Args:
        writing: The transaction.
        document: What was checked of it.
        part: Its entry.
        described: The reference of its DocumentReference.
        subject: The Patient whom its DocumentReference is about, if that names one of the site's: whom the document
            calls by no identifier that the site knows is this Patient.
        replaced: The ids of the DocumentReferences that are superseded by what is provided with it.
    """
    named = _PATIENT.fullmatch(subject or "")
    patient = (named[1], await writing.patient_key(named[1], f"{part.path}.subject")) if named else None
    bundle = await file_document(writing, document, described=described, patient=patient, replaced=replaced)
    own = document.extract.patient
    reference = await writing.request.hub.patient_reference(bundle.patient_key)
    return Filed(bundle, reference, (own.full_url,) if own.full_url else (), await _is_past(writing, bundle))


async def _is_past(writing: Writing, bundle: Stored) -> bool:
    """Return whether there is a newer version of a Bundle, or this transaction has gathered one."""
    if any(one.row == bundle.row and one.version > bundle.version for one in writing.written):
        return True
    current = (await resources(writing.connection, bundle.patient_key, [bundle.row])).get(bundle.row)
    return current is not None and current.version > bundle.version
