"""`$subsumes`: whether one code means all that another means.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from collections.abc import Mapping

import orjson

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.terminology.asked import CODING, TEXT, Asked, read_asked
from app.records.terminology.code_system import meant
from fhir.errors import InvalidValue, NotFound
from fhir.operations.subsumes import subsumes as outcome

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("codeA", "codeB", "system", "version"), TEXT),
    **dict.fromkeys(("codingA", "codingB"), CODING),
}


def _codes(asked: Asked) -> list[str]:
    """Return the two codes; the system of codings is the one that is asked about.

    Raises:
        InvalidValue: they are not two codes of one system.
    """
    codings = [asked.one("codingA"), asked.one("codingB")]
    if codings == [None, None]:
        found = [asked.text("codeA"), asked.text("codeB")]
        if not all(found):
            raise InvalidValue("Two codes are needed: codeA and codeB, or codingA and codingB", "codeA")
        return found
    if None in codings or asked.all("codeA") or asked.all("codeB"):
        raise InvalidValue("Two codes are needed: codeA and codeB, or codingA and codingB", "codingA")
    systems = {str(one.get("system", "")) for one in codings} | set(asked.all("system"))
    if len(systems) != 1 or "" in systems:
        raise InvalidValue("Both codings are of one system", "codingB")
    if not asked.all("system"):
        asked.add("system", systems.pop())
    return [str(one.get("code", "")) for one in codings]


async def subsumes(request: FhirRequest) -> Response:
    """Answer what one code is to another.

    Raises:
        NotFound: it is asked of another type, or the system does not exist for the caller.
        InvalidValue: there are not two codes of one system.
        UnknownTerminology: the system has no such code, or too little of it is known.
    """
    request.check_accept()
    if request.type != "CodeSystem":
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request, KINDS)
    code, other = _codes(asked)
    if request.id and asked.all("codingA"):
        raise InvalidValue("Of a code system that the address names, codes are asked: codeA and codeB", "codingA")
    found = outcome(await meant(request, asked, "system"), code, other)
    answer = {"resourceType": "Parameters", "parameter": [{"name": "outcome", "valueCode": found}]}
    return fhir_response(orjson.dumps(answer))
