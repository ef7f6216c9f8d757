"""`$meta-add`: profiles, tags and labels are added to a resource, as a new version.

https://hl7.org/fhir/R4/resource-operation-meta-add.html
"""

from app.records.meta_change import change
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.operations.meta import added


async def meta_add(request: FhirRequest) -> Response:
    """Add what the Meta in the body holds and answer the whole meta."""
    return await change(request, added)
