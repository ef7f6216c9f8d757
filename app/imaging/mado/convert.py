"""A manifest turned from one form into the other: `ImagingStudy/$convert-manifest`. Nothing is stored.

https://profiles.ihe.net/RAD/MADO/mapping.html. The two have the same UID: one is the other.
"""

import asyncio
import codecs

import orjson

from app.imaging.mado.documents import FHIR, KOS, MEDIA_TYPES
from app.imaging.mado.from_fhir import read_bundle
from app.imaging.mado.to_fhir import fhir_manifest
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, Response, fhir_response
from dicom.failures import InvalidInstance
from dicom.manifest.model import Manifest
from dicom.manifest.read import read_kos
from dicom.manifest.write import write_kos
from dicom.part10 import read_instance
from fhir.errors import InvalidValue, NotFound
from fhir.resource import parse
from fhir.xml.to_json import to_json

LARGEST_BYTES = 64 * 1024 * 1024
"""Of a manifest in either form."""
_START_BYTES = 1024
"""In which the first character is looked for."""


def read_manifest(octets: bytes) -> tuple[str, Manifest]:
    """Return the form of a manifest, and what it says; that of FHIR may be JSON or XML.

    Raises:
        FhirError: it is no manifest; a failure of the FHIR form names the place.
    """
    if octets[128:132] == b"DICM":
        try:
            return KOS, read_kos(read_instance(octets))
        except InvalidInstance as error:
            raise InvalidValue(f"The Key Object Selection cannot be read: {error.reason}") from error
    return FHIR, read_bundle(parse(as_json(octets)))


def as_json(octets: bytes) -> bytes:
    """Return a resource as JSON, of XML the JSON that it means.

    Raises:
        InvalidXml: it is not the XML of a resource.
    """
    begin = octets[:_START_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    return to_json(octets).body if begin.startswith(b"<") else octets


def converted(octets: bytes) -> tuple[str, bytes]:
    """Return a manifest in the other form, and which one that is.

    Raises:
        FhirError: it is no manifest.
    """
    form, manifest = read_manifest(octets)
    if form == KOS:
        return FHIR, orjson.dumps(fhir_manifest(manifest))
    return KOS, write_kos(manifest)


def kos_response(octets: bytes, uid: str) -> Response:
    """Return the answer that is a manifest in its DICOM form."""
    name = f'attachment; filename="{uid}.dcm"'.encode()
    headers = [(b"content-type", MEDIA_TYPES[KOS].encode()), (b"content-disposition", name), PRIVATE, NO_SNIFF]
    return Response(200, octets, headers)


async def convert_manifest(request: FhirRequest) -> Response:
    """Answer the manifest in the body in its other form.

    Raises:
        FhirError: it is no manifest.
    """
    if request.type != "ImagingStudy":
        known_type(request.type)
        raise NotFound(f"{request.path} is not an address of this server")
    octets = await request.body(LARGEST_BYTES)
    if not octets.strip():
        raise InvalidValue("There is no manifest to convert")
    form, made = await asyncio.to_thread(converted, octets)
    return fhir_response(made) if form == FHIR else kos_response(made, "manifest")
