"""`$meta`: profiles, tags and labels of a resource, of a version, or in use in a type or in the whole hub.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from app.records.parameters import only, operation_pairs
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.exact import read, write
from fhir.operations.meta import answer, merged, meta_of
from fhir.store.types import NUMBERS
from fhir.store.walk import chunks


async def meta(request: FhirRequest) -> Response:
    """Answer the meta of a resource or of one of its versions, in its own bytes."""
    request.check_accept()
    only(await operation_pairs(request), ())
    type_name = known_type(request.type)
    if request.version:
        found = await request.record.vread(type_name, request.id, request.version)
    else:
        found = await request.record.read(type_name, request.id)
    return fhir_response(answer(meta_of(found.body)), version=found.version, last_updated=found.last_updated)


async def meta_in_use(request: FhirRequest) -> Response:
    """Answer the profiles, tags and labels that visible resources of a type, or of all types, have.

    One resource is read for each of them, and is what the audit record names.
    """
    request.check_accept()
    only(await operation_pairs(request), ())
    types = [known_type(request.type)] if request.type else sorted(NUMBERS)
    metas, examples = [], []
    for chunk in chunks(await request.record.keys_with_meta(types)):
        for one in await request.record.bodies(chunk):
            metas.append(read(meta_of(one.body)))
            examples.append(one._replace(body=b""))
    request.record.disclosed += examples
    return fhir_response(answer(write(merged(metas))))
