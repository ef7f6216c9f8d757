"""The bytes of an attachment: in it, or in a Binary of this hub that exists for the caller. No other address is asked.

https://hl7.org/fhir/R4/datatypes.html#attachment
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any

from app.portal.gate import Visit
from app.portal.people import body_of
from fhir.errors import Deleted, NotFound

_BINARY = re.compile(r"Binary/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?")


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
