"""The code system that an operation is about: the one of the address, one in the body, or one known by its URL."""

import asyncio

from app.records.request import FhirRequest
from app.records.terminology.asked import Asked
from app.records.terminology.known import terminology, unknown
from fhir.errors import InvalidValue
from fhir.profiles.definitions import MALFORMED
from fhir.terminology.code_system import CodeSystem
from fhir.terminology.references import Name


async def of_url(request: FhirRequest, url: str, version: str, expression: str) -> CodeSystem:
    """Return a code system by its URL.

    Raises:
        NotFound: it does not exist for the caller, or not in this version.
        InvalidValue: it cannot be read.
    """
    canonical = f"{url}|{version}" if version and "|" not in url else url
    known = await terminology(request, [Name("CodeSystem", canonical)])
    if known.known("CodeSystem", canonical) is None:
        raise unknown("code system", canonical, expression)
    url, _, version = canonical.partition("|")
    found = await asyncio.to_thread(known.code_system, url, version, exact=True)
    if found is None:
        raise InvalidValue(f"The code system {canonical} cannot be read", expression)
    return found


async def meant(request: FhirRequest, asked: Asked, name: str = "url") -> CodeSystem:
    """Return the code system that is meant.

    Args:
        request: The request.
        asked: Its parameters.
        name: The parameter that holds the URL.

    Raises:
        InvalidValue: none is named, or several are, or it cannot be read.
        NotFound: it does not exist for the caller.
    """
    url, inline = asked.text(name), asked.resource("codeSystem", "CodeSystem")
    ways = [way for way in (url, inline, request.id) if way]
    if len(ways) != 1:
        raise InvalidValue(f"One code system is named: by the address, by {name}, or in the body", name)
    if inline is not None:
        try:
            return await asyncio.to_thread(CodeSystem, {"url": "", **inline})
        except MALFORMED as error:
            raise InvalidValue("The code system cannot be read", "codeSystem") from error
    if not request.id:
        return await of_url(request, url, asked.text("version"), name)
    made = request.hub.terms.of(await request.record.read("CodeSystem", request.id))[1]
    if made is None:
        raise InvalidValue("The code system cannot be read: it has no url", "id")
    found: CodeSystem = made
    return found
