"""A Composition and what it refers to as a document Bundle.

https://hl7.org/fhir/R4/composition-operation-document.html, https://hl7.org/fhir/R4/documents.html
"""

from collections.abc import Iterable, Sequence

import orjson

from fhir.exact import read, write
from fhir.links import references
from fhir.operations.meta import merged, meta_of


def named(composition: bytes) -> list[str]:
    """Return what a Composition refers to, each once, as `Type/id`; contained resources and addresses elsewhere not."""
    links = [link.partition("/_history/")[0] for link in references(composition)]
    return list(dict.fromkeys(link for link in links if link.count("/") == 1 and ":" not in link))


def document(entries: Sequence[tuple[str, bytes]], *, id: str, now: str) -> bytes:
    """Return the Bundle: the Composition first, each resource in its stored bytes, their labels on the whole.

    Args:
        entries: Full address and bytes of each resource.
        id: A UUID, which is the document's identifier as well.
        now: When the document is put together, an instant.
    """
    head = {
        "resourceType": "Bundle",
        "id": id,
        **_meta(body for _, body in entries),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{id}"},
        "type": "document",
        "timestamp": now,
    }
    parts = [b'{"fullUrl":%s,"resource":%s}' % (orjson.dumps(address), body) for address, body in entries]
    return write(head)[:-1] + b',"entry":[' + b",".join(parts) + b"]}"


def _meta(bodies: Iterable[bytes]) -> dict[str, object]:
    labels = merged([read(meta_of(body)) for body in bodies]).get("security")
    return {"meta": {"security": labels}} if labels else {}
