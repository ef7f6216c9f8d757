"""A version of a document that came after a newer one."""

from dataclasses import replace

from app.records.documents import kept
from app.records.documents.facts import Labels
from app.records.prepare import Prepared
from app.records.signatures.keep import kept_verdicts
from app.records.writing import Writing
from fhir.store.stored import Stored
from fhir.undo import original
from fhir.xml.to_json import to_json

_BEFORE = b"\xef\xbb\xbf \t\r\n"
"""What may stand before the first tag of a body that its sender wrote as XML."""


async def put_into_history(writing: Writing, bundle: Stored, prepared: Prepared, labels: Labels) -> Stored:
    """Gather a late version, and the one that holds once more after it; return the late one.

    Args:
        writing: The write transaction.
        bundle: The version that holds.
        prepared: The late version.
        labels: Of the late version: the document has them from now on.
    """
    undo, digest = await kept.received(writing.connection, bundle)
    verdicts = await kept_verdicts(writing.connection, bundle)
    newest = _received(original(bytes(bundle.body), undo), digest)
    # The same bytes are signed as they were.
    newest = replace(newest, verdicts=None if verdicts is None else tuple(verdicts))
    late = await writing.next_version(bundle, prepared, labels.bits, labels.codings)
    await writing.next_version(late, newest, labels.bits, labels.codings)
    return late


def _received(body: bytes, digest: bytes) -> Prepared:
    """Return a Bundle that is stored as one that may be stored again."""
    if body.lstrip(_BEFORE).startswith(b"<"):
        return Prepared(to_json(body).body, "Bundle", digest, received=body)
    return Prepared(body, "Bundle", digest)
