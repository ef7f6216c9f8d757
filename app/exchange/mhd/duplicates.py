"""What was provided before: the same document again is no second one, another one under its identifier is refused.

A document is known by its masterIdentifier, within the site's own custody. The same bytes with the same metadata are a
Bundle that is sent again; with other metadata they are a second description of the same document.
https://profiles.ihe.net/ITI/TF/Volume2/ITI-42.html#3.42.4.1.3.3
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from app.exchange.mhd.attachments import attachment_of, octets_of
from app.exchange.mhd.profiles import list_type, unique_id
from app.exchange.mhd.submission import Part
from app.records.documents.kept import same_bytes
from app.records.own import find_own, read_own, token
from app.records.writing import Writing
from fhir.errors import Conflict
from fhir.exact import read as read_exactly
from fhir.exact import same
from fhir.store.stored import Stored

_BYTES = re.compile(r"(?:.*/)?(Binary|Bundle)/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?")
_OF_ITS_WAY = ("id", "meta", "text", "identifier", "subject", "status", "relatesTo")
"""Elements that differ when a document is sent again, or change while it is here."""


def _essence(body: bytes) -> dict[str, Any]:
    """Return what a DocumentReference says, without what belongs to how it was sent."""
    tree: dict[str, Any] = read_exactly(body)
    for name in _OF_ITS_WAY:
        tree.pop(name, None)
    for content in tree.get("content", ()):
        content.get("attachment", {}).pop("url", None)
    return tree


async def bytes_of(writing: Writing, document: Mapping[str, Any]) -> Stored | None:
    """Return the Binary or the Bundle that one of the site's documents leads to; None when it is kept elsewhere."""
    found = _BYTES.fullmatch(str(attachment_of(document).get("url", "")))
    return await read_own(writing, found[1], found[2]) if found else None


async def _is_same(writing: Writing, kept: Stored | None, sent: Part) -> bool:
    """Return whether what is kept is what is sent, byte for byte."""
    if kept is None or kept.type != sent.tree["resourceType"]:
        return False
    if kept.type == "Binary":
        return octets_of(orjson.loads(kept.body)) == octets_of(sent.tree)
    body = sent.entry.source if sent.entry.source is not None else sent.entry.resource
    digest = hashlib.sha256(body or b"").digest()
    # A document that has a newer version by now is here all the same.
    return await same_bytes(writing.connection, kept.patient_key, kept.row, digest) is not None


async def _of_identifier(writing: Writing, part: Part) -> list[Stored]:
    """Return what the site keeps under the unique identifier of what is sent."""
    identifier = unique_id(part.tree)
    if identifier is None:
        return []
    system, value = str(identifier.get("system", "")), str(identifier["value"])
    found = await find_own(writing, part.tree["resourceType"], ("identifier", token(system, value)))
    meant = [(one, orjson.loads(one.body)) for one in found]
    return [
        one
        for one, tree in meant
        if (said := unique_id(tree)) and (said.get("system"), said.get("value")) == (identifier.get("system"), value)
    ]


async def known_document(
    writing: Writing, part: Part, sent: Part | None, patient_key: int | None
) -> tuple[Stored, Stored] | None:
    """Return the DocumentReference that is sent again, and its bytes; None for one that is new.

    Args:
        writing: The transaction.
        part: The DocumentReference.
        sent: The Binary or the Bundle that it leads to.
        patient_key: Whose it is; None while that is not known.

    Raises:
        Conflict: the identifier is that of another document: of other bytes, or of another patient.
    """
    again = None
    for one in await _of_identifier(writing, part):
        tree = orjson.loads(one.body)
        kept = await bytes_of(writing, tree)
        if patient_key not in (None, one.patient_key) or (sent is not None and not await _is_same(writing, kept, sent)):
            text = "Another document of this site has this masterIdentifier"
            raise Conflict(text, f"{part.path}.masterIdentifier.value")
        if kept is not None and same(_essence(bytes(one.body)), _essence(part.entry.resource or b"")):
            again = one, kept
    return again


async def known_list(writing: Writing, part: Part, *, is_again: bool) -> Stored | None:
    """Return the SubmissionSet or Folder that is sent again; None for one that is new.

    Args:
        writing: The transaction.
        part: The List.
        is_again: Whether all the documents of the Bundle were provided before.

    Raises:
        Conflict: one of this identifier is here, and this is not the same Bundle again.
    """
    for one in await _of_identifier(writing, part):
        if list_type(orjson.loads(one.body)) == list_type(part.tree):
            if not is_again:
                raise Conflict("This site has a List of this identifier", f"{part.path}.identifier")
            return one
    return None
