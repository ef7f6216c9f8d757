"""A manifest that comes in as a document: a Key Object Selection in a Binary, or MADO's Bundle.

Provided by MHD, or written by plain FHIR: what it refers to is known from then on, as by one that comes as an image.
"""

import base64
import binascii
import logging
from collections.abc import Callable

import orjson

from app.imaging.mado.from_fhir import read_bundle
from app.records.writing import Writing
from dicom.manifest.model import Manifest
from fhir.errors import FhirError
from fhir.resource import parse
from fhir.store.categories import Category
from fhir.store.stored import Stored

MOST_BYTES = 64_000_000
"""Of a document that is looked into."""

logger = logging.getLogger(__name__)


async def refer_documents(writing: Writing) -> None:
    """Refer to what the manifests among the gathered documents say that the site's sources have."""
    named = [one for one in writing.written if _may_be(one)]
    request = writing.request
    if not named or not request.authority.may_write(Category.IMAGING):
        return
    if not await request.hub.sources.of_site(request.authority.custodian):
        return
    # What files images commits as well: it cannot be imported before this.
    from app.imaging.sources.manifests import manifest_in, refer

    for one in named:
        manifest = _manifest(one, manifest_in)
        if manifest is not None:
            # A Patient of the same transaction is found by its number then.
            await writing.write_gathered()
            await refer(writing, manifest, labels=one.labels)


def _may_be(one: Stored) -> bool:
    if one.deleted or len(one.body) > MOST_BYTES:
        return False
    if one.type == "Binary":
        return b'"application/dicom"' in one.body
    return one.type == "Bundle" and b'"ImagingStudy"' in one.body and b"dicom-wado-rs" in one.body


def _manifest(one: Stored, manifest_in: Callable[[bytes], Manifest | None]) -> Manifest | None:
    try:
        if one.type == "Binary":
            return manifest_in(base64.b64decode(orjson.loads(one.body).get("data", ""), validate=True))
        return read_bundle(parse(one.body))
    except (FhirError, binascii.Error) as error:
        logger.info("A document refers to no images: %s", error)
        return None
