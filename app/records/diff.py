"""`$diff`: what changed between two versions of a resource, or what differs between two resources.

The answer is a FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html
"""

import re

from app.records.parameters import flag, one_of, only, operation_pairs
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue, NotFound
from fhir.exact import read, write
from fhir.operations.diff import diff as compare
from fhir.store.stored import Stored

_NAMED = re.compile(r"([A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([0-9]{1,9}))?")


def _answer(old: Stored, new: Stored, *, with_meta: bool) -> Response:
    found = compare(read(old.body), read(new.body), with_meta=with_meta)
    answer = {"resourceType": "Parameters", **({"parameter": found} if found else {})}
    return fhir_response(write(answer))


async def diff(request: FhirRequest) -> Response:
    """Answer what changed in a resource since a version, by default the one before.

    Raises:
        NotFound: the resource or the version does not exist for the caller.
    """
    request.check_accept()
    found = only(await operation_pairs(request), ("fromVersion", "includeMeta"))
    new = await request.record.read(known_type(request.type), request.id)
    wanted = one_of(found, "fromVersion")
    if wanted is None and new.version == 1:
        return _answer(new, new, with_meta=False)
    old = await request.record.vread(request.type, request.id, wanted or str(new.version - 1))
    return _answer(old, new, with_meta=flag(found, "includeMeta"))


async def _named(request: FhirRequest, link: str | None, name: str) -> Stored:
    match = _NAMED.fullmatch(link or "")
    if match is None:
        raise InvalidValue(f"{name} names a resource or a version of one: Patient/1/_history/2", name)
    try:
        type_name = known_type(match[1])
    except NotFound as error:
        raise InvalidValue(error.diagnostics, name) from error
    if match[3] is None:
        return await request.record.read(type_name, match[2])
    return await request.record.vread(type_name, match[2], match[3])


async def diff_of_two(request: FhirRequest) -> Response:
    """Answer what differs between two resources of a type, or two versions.

    Raises:
        InvalidValue: they are of two types.
        NotFound: one does not exist for the caller.
    """
    request.check_accept()
    found = only(await operation_pairs(request), ("from", "to", "includeMeta"))
    old = await _named(request, one_of(found, "from"), "from")
    new = await _named(request, one_of(found, "to"), "to")
    if old.type != new.type:
        raise InvalidValue("Only resources of one type are compared", "to")
    return _answer(old, new, with_meta=flag(found, "includeMeta"))
