"""A FHIR document as plain bytes too, for consumers that read no FHIR: a Binary and a second DocumentReference.

The second one says that it transforms the first, and so goes where that goes.
https://profiles.ihe.net/ITI/MHDS/volume-1.html, FHIR Documents Publish
"""

from collections.abc import Mapping
from typing import Any

import orjson

from app.exchange.mhd.attachments import FHIR_TYPES, sha1
from app.exchange.mhd.submission import Part
from app.records.prepare import prepare
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.metadata.bytes import URI, binary_of, name_of
from fhir.exact import read, write

_OF_THE_FIRST = ("id", "meta", "text", "identifier", "relatesTo")


def _described(document: Part, octets: bytes, base: str, binary: str, transformed: str) -> dict[str, Any]:
    """Return the second DocumentReference, whose references are still those that were sent."""
    tree: dict[str, Any] = read(document.entry.resource or b"")
    for name in _OF_THE_FIRST:
        tree.pop(name, None)
    tree["masterIdentifier"] = {"use": "usual", "system": URI, "value": name_of(octets, base)}
    tree["relatesTo"] = [{"code": "transforms", "target": {"reference": transformed}}]
    attachment = tree["content"][0]["attachment"]
    attachment |= {"url": f"{base}/{binary}", "size": len(octets), "hash": sha1(octets)}
    return tree


async def write_serialised(
    writing: Writing, document: Part, bundle: Part, links: Mapping[str, str], transformed: str, labels: int
) -> None:
    """Gather the bytes of a FHIR document, and the DocumentReference that leads to them.

    Args:
        writing: The transaction.
        document: Its DocumentReference.
        bundle: The document.
        links: What references become.
        transformed: The reference of its DocumentReference, as it is stored.
        labels: Of the document, as bits.
    """
    request, source = writing.request, bundle.entry.source
    octets = (bundle.entry.resource or b"") if source is None else source
    kind = FHIR_TYPES[0] if source is None else FHIR_TYPES[1]
    (row, id_), (binary_row, binary_id) = new_id(request.hub), new_id(request.hub)
    base = request.hub.settings.fhir_address
    tree = _described(document, octets, base, f"Binary/{binary_id}", transformed)
    tree["content"][0]["attachment"]["contentType"] = kind
    await writing.create(
        prepare(write(tree), request.authority, path=document.path),
        row=row,
        id_=id_,
        references=links,
        inherited_labels=labels,
        path=document.path,
    )
    binary = binary_of(octets, kind) | {"securityContext": {"reference": f"DocumentReference/{id_}"}}
    await writing.create(
        prepare(orjson.dumps(binary), request.authority), row=binary_row, id_=binary_id, inherited_labels=labels
    )
