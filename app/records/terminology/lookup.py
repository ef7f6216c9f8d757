"""`$lookup`: what a code system says of a code. https://hl7.org/fhir/R4/codesystem-operation-lookup.html."""

from collections.abc import Mapping

import orjson

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.terminology.asked import CODING, TEXT, read_asked
from app.records.terminology.code_system import of_url
from fhir.errors import InvalidValue, NotFound
from fhir.operations.lookup import lookup as looked_up
from fhir.terminology.display import languages

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("code", "system", "version", "displayLanguage", "property"), TEXT),
    "coding": CODING,
}


async def lookup(request: FhirRequest) -> Response:
    """Answer what is known of a code.

    Raises:
        NotFound: it is asked of another type, or the system does not exist for the caller, or has no such code.
        InvalidValue: no code is named, or no system.
    """
    request.check_accept()
    if request.type != "CodeSystem":
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request, KINDS)
    (code,) = asked.codes()
    if not code.system:
        raise InvalidValue("A code needs its system", "system")
    system = await of_url(request, code.system, code.version, "system")
    wanted = frozenset(asked.all("property"))
    answer = looked_up(system, code.code, properties=wanted, languages=languages(asked.text("displayLanguage")))
    return fhir_response(orjson.dumps(answer))
