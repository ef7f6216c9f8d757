"""A manifest that is kept, and the entries by which one on demand is found: two DocumentReferences, one a form.

What is kept is a snapshot of the site's own images, as sensitive as they are, now and later: a Provenance names the
ImagingStudy, whose labels reach what was made of it.
https://profiles.ihe.net/RAD/MADO/manifest-envelope.html, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from app.access.directory import Organisation, organisations
from app.audit.record import Event
from app.imaging.mado.documents import FHIR, FORMS, KOS, MEDIA_TYPES, Described, document_reference, on_demand_number
from app.imaging.mado.gather import gather
from app.imaging.mado.to_fhir import fhir_manifest
from app.records.commit import committed
from app.records.conditional import lock, own
from app.records.events import events
from app.records.own import custody, find_own, token
from app.records.prepare import prepare
from app.records.put_together import labels_together, name_parts
from app.records.request import FhirRequest
from app.records.row_ids import new_id
from app.records.signatures.seal import sealed
from app.records.writing import Writing
from dicom.manifest.model import Manifest
from dicom.manifest.write import write_kos
from fhir.errors import Forbidden
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.store.labels import codings
from fhir.store.stored import Stored

_OF_THE_HUB = ("id", "meta")


@dataclass(frozen=True, slots=True)
class Kept:
    """The DocumentReferences of a manifest, by form, and whether one of them is new."""

    documents: dict[str, Stored]
    is_new: bool


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
    manifest = await gather(request.hub, request.record.connection, own(request), study)
    bundle = await sealed(request.hub, orjson.dumps(fhir_manifest(manifest, codings(study.labels))))
    octets = write_kos(manifest)

    async def work(writing: Writing) -> Kept:
        await lock(writing.connection, request, ["DocumentReference"])
        return await _file(writing, study, manifest, bundle, octets)

    return await _committed(request, work, study)


async def _committed(request: FhirRequest, work: Callable[[Writing], Any], study: Stored) -> Kept:
    async def tell(kept: Kept, writing: Writing) -> list[Event]:
        told = writing.written or list(kept.documents.values())
        return await events(request, [*told, study], 200, writing.connection)

    kept: Kept = await committed(request, work, tell)
    return kept


async def announce_where_wanted(writing: Writing, study: Stored) -> None:
    """Make the manifests of a study known that has grown, where the region wants that.

    Whoever stores images may hold a scope for them alone, but it is the region that decides this.
    """
    request = writing.request
    if request.hub.settings.manifests_on_demand and request.authority.may_write(Category.DOCUMENT):
        await announce(writing, study, custody(writing))


async def announce(writing: Writing, study: Stored, visibility: Visibility) -> Kept:
    """Gather the entries on demand of a study in a transaction; what they say already is not written again."""
    request = writing.request
    manifest = await gather(request.hub, writing.connection, visibility, study)
    site = await _site(writing, study)
    labels = await labels_together(writing, [study])
    found = {form: await find_own(writing, "DocumentReference", _known_by(study, form)) for form in FORMS}
    new = {form: new_id(request.hub) for form in FORMS if not found[form]}
    ids = {form: found[form][0].id if found[form] else new[form][1] for form in FORMS}
    address = f"{request.hub.settings.fhir_address}/ImagingStudy/{study.id}/$manifest"
    documents = {}
    for form, other in zip(FORMS, reversed(FORMS), strict=True):
        described = Described(
            number=on_demand_number(study.id, form),
            address=f"{address}?form={form}",
            other=f"DocumentReference/{ids[other]}",
        )
        body = document_reference(manifest, form, described, patient=_patient(study), site=site, labels=codings(labels))
        documents[form] = await _write(writing, body, labels, ids[form], new.get(form), found[form])
    if new:
        await name_parts(writing, [*documents.values()], [study], labels)
    return Kept(documents, bool(new))


def _known_by(study: Stored, form: str) -> tuple[str, str]:
    return "identifier", token("urn:ietf:rfc:3986", on_demand_number(study.id, form))


async def _write(
    writing: Writing, body: dict[str, Any], labels: int, id_: str, new: tuple[int, str] | None, found: Any
) -> Stored:
    """Gather a DocumentReference: a new one, or the next version of one that says something else."""
    authority = writing.request.authority
    if new is not None:
        prepared = prepare(orjson.dumps(body), authority)
        return await writing.create(prepared, row=new[0], id_=id_, inherited_labels=labels)
    current: Stored = found[0]
    said = {name: value for name, value in orjson.loads(current.body).items() if name not in _OF_THE_HUB}
    if said == {**body, "date": said.get("date")}:
        return current
    # The labels that it has stay; those of the study reach it by the Provenance.
    return await writing.update(prepare(orjson.dumps({"id": id_, **body}), authority), id_)


async def _file(writing: Writing, study: Stored, manifest: Manifest, bundle: bytes, octets: bytes) -> Kept:
    request = writing.request
    site = await _site(writing, study)
    labels = await labels_together(writing, [study])
    # It is not taken apart: what it holds is here already.
    whole = await writing.create(
        prepare(bundle, request.authority, type_name="Bundle"), patient_key=study.patient_key, inherited_labels=labels
    )
    binary = await writing.create(
        prepare(orjson.dumps(_binary(octets, _patient(study))), request.authority), inherited_labels=labels
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
        body = document_reference(manifest, form, one, patient=_patient(study), site=site, labels=codings(labels))
        documents[form] = await _write(writing, body, labels, ids[form][1], ids[form], None)
    await name_parts(writing, [whole, binary, *documents.values()], [study], labels)
    return Kept(documents, is_new=True)


def _binary(octets: bytes, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Binary",
        "contentType": MEDIA_TYPES[KOS],
        "securityContext": {"reference": patient},
        "data": base64.b64encode(octets).decode(),
    }


def _patient(study: Stored) -> str:
    return str(orjson.loads(study.body)["subject"]["reference"])


async def _site(writing: Writing, study: Stored) -> Organisation:
    return next(one for one in await organisations(writing.connection) if one.key == study.custodian)
