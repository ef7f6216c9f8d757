"""Documents that the hub puts together and keeps: as sensitive as their parts, now and later.

A Provenance names the parts, so that a label which one of them is given afterwards reaches the document too
(`app/records/labelled.py`).
"""

from collections.abc import Sequence
from importlib.metadata import version

import orjson

from app.clock import instant
from app.records.inheritance import labels_of
from app.records.prepare import prepare
from app.records.writing import Writing
from fhir.documents.provenance import made_of
from fhir.store.stored import Stored


async def labels_together(writing: Writing, parts: Sequence[Stored]) -> int:
    """Return the labels of what a document is put together of: those that it was read with, and those it has by now."""
    links = {f"{one.type}/{one.id}" for one in parts}
    labels = await labels_of(writing.connection, links, writing.request.authority.custodian)
    for one in parts:
        labels |= one.labels
    return labels


async def name_parts(writing: Writing, kept: Sequence[Stored], parts: Sequence[Stored], labels: int) -> None:
    """Gather the Provenance of a document, and of what describes it.

    Args:
        writing: The transaction that keeps them.
        kept: The document, and what describes it; all of one patient.
        parts: What it was put together of.
        labels: Those of all that.
    """
    request = writing.request
    told = made_of(
        [f"{one.type}/{one.id}" for one in kept],
        [f"{one.type}/{one.id}" for one in parts],
        recorded=instant(request.now),
        organization=request.caller.organisation_reference,
        version=version("renkei"),
    )
    prepared = prepare(orjson.dumps(told), request.authority)
    await writing.create(prepared, patient_key=kept[0].patient_key, inherited_labels=labels)
