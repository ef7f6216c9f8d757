"""A manifest that comes in as a document: either form in a Binary, or MADO's Bundle itself.

Provided by MHD, or written by plain FHIR: what it refers to is known from then on, as by one that comes as an image.
"""

import base64
import binascii
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Integer, Text, bindparam, select

from app.db import WriteConnection
from app.imaging.mado.convert import as_json
from app.imaging.mado.from_fhir import read_bundle
from app.imaging.sources.imaging_studies import hide_study
from app.imaging.sources.manifests import manifest_in, refer
from app.imaging.sources.references import of_manifest
from app.records.labelled import pass_labels_on
from app.records.writing import Writing
from dicom.manifest.model import Manifest
from dicom.store.tables import dicom_study
from fhir.errors import FhirError
from fhir.resource import parse
from fhir.store.categories import Category
from fhir.store.stored import Stored

if TYPE_CHECKING:
    from app.records.request import Request

DICOM = "application/dicom"
_OF_FHIR = ("application/fhir+json", "application/fhir+xml")
MOST_BYTES = 64_000_000
"""Of a document that is looked into."""

_STUDY = select(dicom_study.c.patient_key, dicom_study.c.id).where(
    dicom_study.c.custodian == bindparam("custodian", type_=Integer),
    dicom_study.c.study_instance_uid == bindparam("uid", type_=Text),
)

logger = logging.getLogger(__name__)


async def refer_documents(writing: Writing) -> None:
    """Refer to what the manifests among the gathered documents say that the site's sources have."""
    named = [one for one in writing.written if _may_be(one)]
    request = writing.request
    if not named or not request.authority.may_write(Category.IMAGING):
        return
    if not await request.hub.sources.of_site(request.authority.custodian):
        return
    for one in named:
        manifest = _manifest(one)
        if manifest is not None:
            # A Patient of the same transaction is found by its number then.
            await writing.write_gathered()
            await refer(writing, manifest, labels=one.labels)


async def label_referred(request: "Request", connection: WriteConnection, labelled: Iterable[Stored]) -> list[Stored]:
    """Hide what manifests refer to with the manifests, which took labels from what describes them.

    Args:
        request: On whose behalf.
        connection: Inside the write transaction, after the manifests were given their labels.
        labelled: What was given labels, with all that it has now.

    Returns:
        The ImagingStudies that have labels now that they did not have, and what takes them from those.
    """
    found: list[Stored] = []
    for one in labelled:
        sources = await request.hub.sources.of_site(one.custodian) if _may_be(one) else []
        manifest = _manifest(one) if sources else None
        if manifest is None or not of_manifest(manifest, sources):
            continue
        values = {"custodian": one.custodian, "uid": manifest.study_instance_uid}
        for patient_key, row in await connection.fetch(_STUDY, values):
            place = int(patient_key), int(row)
            found += await hide_study(connection, one.custodian, place, manifest.study_instance_uid, one.labels)
    return [*found, *await pass_labels_on(connection, found)]


def _may_be(one: Stored) -> bool:
    if one.deleted or len(one.body) > MOST_BYTES:
        return False
    if one.type == "Binary":
        return any(f'"{kind}"'.encode() in one.body for kind in (DICOM, *_OF_FHIR))
    return one.type == "Bundle" and b'"ImagingStudy"' in one.body and b"dicom-wado-rs" in one.body


def _manifest(one: Stored) -> Manifest | None:
    """Return the manifest that a document holds; None when it is none that can be read."""
    try:
        if one.type != "Binary":
            return read_bundle(parse(one.body))
        binary = orjson.loads(one.body)
        data = base64.b64decode(binary.get("data", ""), validate=True)
        if binary.get("contentType") == DICOM:
            return manifest_in(data)
        # Most documents that are FHIR are none of images.
        return read_bundle(parse(as_json(data))) if b"dicom-wado-rs" in data and b"ImagingStudy" in data else None
    except (FhirError, binascii.Error) as error:
        logger.info("A document refers to no images: %s", error)
        return None
