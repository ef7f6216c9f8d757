"""`ImagingStudy/[id]/$manifest`: the manifest of a study's images, in either form, or made known as documents.

IHE RAD MADO, Content Creator. Its definition is the hub's own: docs/mado.md.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal

import orjson

from app.imaging.mado.announce import Kept
from app.imaging.mado.convert import kos_response
from app.imaging.mado.documents import FHIR, FORMS, KOS
from app.imaging.mado.gather import gather, site_of
from app.imaging.mado.keep import keep_on_demand, keep_snapshot
from app.imaging.mado.to_fhir import fhir_manifest
from app.records.parameters import one_of, only, operation_pairs
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.seal import sealed
from dicom.manifest.write import write_kos
from fhir.errors import InvalidValue, NotFound
from fhir.store.labels import codings

Persist = Literal["", "snapshot", "on-demand"]

_PERSIST: dict[str, Persist] = {"false": "", "true": "snapshot", "snapshot": "snapshot", "on-demand": "on-demand"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    form: str
    persist: Persist


async def read_asked(request: FhirRequest) -> Asked:
    """Return what a request asks for.

    Raises:
        InvalidValue: a parameter is not one of the operation, or has a value that it cannot have.
    """
    found = only(await operation_pairs(request), ("form", "persist"))
    form, persist = one_of(found, "form") or FHIR, one_of(found, "persist") or "false"
    if form not in FORMS:
        raise InvalidValue(f"form is one of {', '.join(FORMS)}", "form")
    if persist not in _PERSIST:
        raise InvalidValue(f"persist is one of {', '.join(_PERSIST)}", "persist")
    if _PERSIST[persist] and request.method != "POST":
        raise InvalidValue("What is kept is asked for by POST", "persist")
    return Asked(form, _PERSIST[persist])


async def manifest(request: FhirRequest) -> Response:
    """Answer the manifest of what the caller may see of a study; keep it when `persist` says so."""
    if request.type != "ImagingStudy":
        known_type(request.type)
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request)
    if asked.form == FHIR or asked.persist:
        request.check_accept()
    study = await request.record.read("ImagingStudy", request.id)
    if asked.persist:
        keep = keep_snapshot if asked.persist == "snapshot" else keep_on_demand
        return _documents(request, await keep(request, study))
    connection = request.record.connection
    site = await site_of(connection, study)
    made = await gather(request.hub, connection, request.record.visibility, study, site)
    if asked.form == KOS:
        octets = await asyncio.to_thread(write_kos, made)
        return kos_response(octets, made.uid)
    bundle = await asyncio.to_thread(lambda: orjson.dumps(fhir_manifest(made, codings(study.labels))))
    return fhir_response(await sealed(request.hub, bundle))


def _documents(request: FhirRequest, kept: Kept) -> Response:
    """Answer the DocumentReferences of a manifest as a collection."""
    base = request.hub.settings.fhir_address
    entries = [
        {"fullUrl": f"{base}/DocumentReference/{one.id}", "resource": orjson.Fragment(one.body)}
        for one in kept.documents.values()
    ]
    body = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return fhir_response(orjson.dumps(body), status=201 if kept.is_new else 200)
