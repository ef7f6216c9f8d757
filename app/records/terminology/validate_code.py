"""`$validate-code`: whether a code is in a value set, or in a code system.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.terminology.asked import CODING, CONCEPT, FLAG, RESOURCE, TEXT, Asked, read_asked
from app.records.terminology.code_system import meant as code_system_meant
from app.records.terminology.value_set import KINDS as OF_VALUE_SET
from app.records.terminology.value_set import meant as value_set_meant
from fhir.errors import NotFound
from fhir.operations.validate_code import Verdict
from fhir.operations.validate_code import validate_code as judged
from fhir.terminology.display import languages
from fhir.terminology.members import Part

_CODES = {
    **dict.fromkeys(("code", "display", "displayLanguage"), TEXT),
    "coding": CODING,
    "codeableConcept": CONCEPT,
    "abstract": FLAG,
}
KINDS: Mapping[str, Mapping[str, str]] = {
    "ValueSet": {**OF_VALUE_SET, **_CODES, "system": TEXT, "systemVersion": TEXT},
    "CodeSystem": {**_CODES, "url": TEXT, "codeSystem": RESOURCE, "version": TEXT},
}


def _answer(verdict: Verdict) -> Response:
    parts: list[dict[str, Any]] = [{"name": "result", "valueBoolean": verdict.result}]
    parts += [{"name": "message", "valueString": verdict.message}] if verdict.message else []
    parts += [{"name": "display", "valueString": verdict.display}] if verdict.display else []
    # What R4 does not have and R5 does: which code in which version was found.
    found = (("code", "valueCode"), ("system", "valueUri"), ("version", "valueString"))
    parts += [{"name": name, kind: value} for name, kind in found if (value := getattr(verdict, name))]
    return fhir_response(orjson.dumps({"resourceType": "Parameters", "parameter": parts}))


async def _of_value_set(request: FhirRequest, asked: Asked) -> Verdict:
    codes = asked.codes()
    found = await value_set_meant(request, asked)
    spoken = languages(asked.text("displayLanguage"))
    abstract = asked.flag("abstract")
    return await asyncio.to_thread(judged, found.members, codes, found.title, languages=spoken, abstract=abstract)


async def _of_code_system(request: FhirRequest, asked: Asked) -> Verdict:
    codes = asked.codes(any_system=True)
    system = await code_system_meant(request, asked)
    members = Part(system, is_open=system.content != "complete")
    spoken = languages(asked.text("displayLanguage"))
    # A code that is not for use itself is a code of its system all the same.
    abstract = asked.flag("abstract", default=True)
    return judged(members, codes, system.url, languages=spoken, abstract=abstract)


async def validate_code(request: FhirRequest) -> Response:
    """Answer whether a code is valid.

    Raises:
        NotFound: it is asked of another type, or what it is to be in does not exist for the caller.
        InvalidValue: no code is named, or several are.
        UnknownTerminology: it cannot be told with what is known here.
    """
    request.check_accept()
    kinds = KINDS.get(request.type)
    if kinds is None:
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await read_asked(request, kinds)
    return _answer(await (_of_value_set if request.type == "ValueSet" else _of_code_system)(request, asked))
