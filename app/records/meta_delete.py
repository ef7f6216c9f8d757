"""`$meta-delete`: profiles and tags are taken from a resource, as a new version; labels never are.

https://hl7.org/fhir/R4/resource-operation-meta-delete.html
"""

from collections.abc import Mapping
from typing import Any

from app.records.meta_change import change
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.errors import Forbidden
from fhir.operations.meta import labels_among, removed


def _remove(body: bytes, given: Mapping[str, Any]) -> bytes | None:
    if labels_among(body, given):
        raise Forbidden("A security label is never taken away", "Parameters.parameter[0].valueMeta.security")
    return removed(body, given)


async def meta_delete(request: FhirRequest) -> Response:
    """Take away what the Meta in the body holds and answer the whole meta.

    Raises:
        Forbidden: the resource has one of its security labels.
    """
    return await change(request, _remove)
