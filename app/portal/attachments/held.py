"""The bytes of an attachment: in it, or in a Binary of this hub that exists for the caller. No other address is asked.

https://hl7.org/fhir/R4/datatypes.html#attachment
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from app.portal.gate import Visit
from app.portal.people import body_of
from fhir.errors import Deleted, NotFound
from fhir.store.stored import Stored

_BINARY = re.compile(r"Binary/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?")


TYPES = ("DocumentReference", "Composition", "DiagnosticReport")
"""Resources that have a page as documents."""


async def read_document(visit: Visit, request: Request) -> Stored:
    """Return the document that an address names.

    Raises:
        NotFound: it is none, or does not exist for the caller.
    """
    type_name: str = request.path_params["type"]
    if type_name not in TYPES:
        raise NotFound("There is no such document")
    return await visit.fhir.record.read(type_name, request.path_params["id"])


def attachments_of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the Attachments of a DocumentReference, or of a DiagnosticReport that is also a paper."""
    return [*(one.get("attachment", {}) for one in body.get("content", ())), *body.get("presentedForm", ())]


async def filed_under(visit: Visit, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the Patient that a document was filed under; None when it does not exist for the caller."""
    kind, _, id_ = str(body.get("subject", {}).get("reference", "")).partition("/")
    if kind != "Patient" or not id_:
        return None
    try:
        return body_of(await visit.fhir.record.read("Patient", id_))
    except (NotFound, Deleted):
        return None


def binary_of(url: str, fhir_address: str) -> str:
    """Return the id of the Binary of this hub that an address names; empty for any other address."""
    found = _BINARY.fullmatch(url.removeprefix(f"{fhir_address}/"))
    return found[1] if found else ""


async def octets_of(visit: Visit, attachment: Mapping[str, Any]) -> bytes:
    """Return what an attachment holds.

    Raises:
        NotFound: it is kept elsewhere, or does not exist for the caller.
    """
    data = attachment.get("data")
    if data is None:
        id_ = binary_of(str(attachment.get("url", "")), visit.hub.settings.fhir_address)
        if not id_:
            raise NotFound("The document is not kept here")
        try:
            data = body_of(await visit.fhir.record.read("Binary", id_)).get("data", "")
        except Deleted as error:
            raise NotFound("The document is not kept here any more") from error
    try:
        return b64decode(data)
    except (Base64Error, ValueError) as error:
        raise NotFound("The document cannot be read") from error
