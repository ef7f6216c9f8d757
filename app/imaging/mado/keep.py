"""Manifests that a site makes known: on demand, or kept, with a DocumentReference for each form.

What is kept is a snapshot of the site's own images, as sensitive as they are, now and later: a Provenance names the
ImagingStudy, whose labels reach what was made of it.
https://profiles.ihe.net/RAD/MADO/manifest-envelope.html, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from app.access.directory import Organisation
from app.audit.record import Event
from app.imaging.mado.announce import Kept, announce, patient_of, write_entry
from app.imaging.mado.documents import FHIR, FORMS, KOS, MEDIA_TYPES, Described, document_reference
from app.imaging.mado.gather import gather, site_of
from app.imaging.mado.to_fhir import fhir_manifest
from app.records.commit import committed
from app.records.conditional import lock, own
from app.records.events import events
from app.records.prepare import prepare
from app.records.put_together import labels_together, name_parts
from app.records.request import FhirRequest
from app.records.row_ids import new_id
from app.records.signatures.seal import sealed
from app.records.writing import Writing
from dicom.manifest.model import Manifest
from dicom.manifest.write import write_kos
from fhir.errors import Forbidden
from fhir.store.labels import codings
from fhir.store.stored import Stored


def _check(request: FhirRequest, study: Stored) -> None:
    if study.custodian != request.authority.custodian:
        raise Forbidden("A manifest is kept by the site whose images it names")


async def keep_on_demand(request: FhirRequest, study: Stored) -> Kept:
    """Make the manifests of a study known that are made when they are retrieved; their entries are brought up to date.

    Raises:
        Forbidden: the images are another site's.
        NotFound: there are none.
    """
    _check(request, study)

    async def work(writing: Writing) -> Kept:
        await lock(writing.connection, request, ["DocumentReference"])
        return await announce(writing, study, own(request))

    return await _committed(request, work, study)


async def keep_snapshot(request: FhirRequest, study: Stored) -> Kept:
    """Keep both forms of a study's manifest as they are now.

    Raises:
        Forbidden: the images are another site's.
        NotFound: there are none.
    """
    _check(request, study)
    connection = request.record.connection
    site = await site_of(connection, study)
    manifest = await gather(request.hub, connection, own(request), study, site)
    bundle = await sealed(request.hub, orjson.dumps(fhir_manifest(manifest, codings(study.labels))))
    octets = write_kos(manifest)

    async def work(writing: Writing) -> Kept:
        await lock(writing.connection, request, ["DocumentReference"])
        return await _file(writing, study, site, manifest, bundle, octets)

    return await _committed(request, work, study)


async def _committed(request: FhirRequest, work: Callable[[Writing], Any], study: Stored) -> Kept:
    async def tell(kept: Kept, writing: Writing) -> list[Event]:
        told = writing.written or list(kept.documents.values())
        return await events(request, [*told, study], 200, writing.connection)

    kept: Kept = await committed(request, work, tell)
    return kept


async def _file(
    writing: Writing, study: Stored, site: Organisation, manifest: Manifest, bundle: bytes, octets: bytes
) -> Kept:
    request = writing.request
    labels = await labels_together(writing, [study])
    # It is not taken apart: what it holds is here already.
    whole = await writing.create(
        prepare(bundle, request.authority, type_name="Bundle"), patient_key=study.patient_key, inherited_labels=labels
    )
    binary = await writing.create(
        prepare(orjson.dumps(_binary(octets, patient_of(study))), request.authority), inherited_labels=labels
    )
    ids = {form: new_id(request.hub) for form in FORMS}
    number, base = f"urn:oid:{manifest.uid}", request.hub.settings.fhir_address
    described = {
        FHIR: Described(
            number=number,
            address=f"{base}/Bundle/{whole.id}",
            other=f"DocumentReference/{ids[KOS][1]}",
            kept=True,
        ),
        KOS: Described(
            number=number,
            address=f"{base}/Binary/{binary.id}",
            other=f"DocumentReference/{ids[FHIR][1]}",
            size=len(octets),
            sha1=base64.b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode(),
            kept=True,
        ),
    }
    documents = {}
    for form, one in described.items():
        body = document_reference(manifest, form, one, patient=patient_of(study), site=site, labels=codings(labels))
        documents[form] = await write_entry(writing, body, labels, ids[form][1], ids[form], None)
    await name_parts(writing, [whole, binary, *documents.values()], [study], labels)
    return Kept(documents, is_new=True)


def _binary(octets: bytes, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Binary",
        "contentType": MEDIA_TYPES[KOS],
        "securityContext": {"reference": patient},
        "data": base64.b64encode(octets).decode(),
    }
