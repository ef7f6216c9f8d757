"""`$summary`: the International Patient Summary of what the caller may see.

http://hl7.org/fhir/uv/ips/OperationDefinition/summary
"""

import uuid
from typing import Any, Literal

from app.clock import instant
from app.identity.scope import patient_keys
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.seal import sealed
from fhir.documents.summary import body as summary_body
from fhir.documents.summary import summary as make
from fhir.errors import NotFound
from fhir.resource import parse_exact
from fhir.search.query import parse as parse_query
from fhir.search.run import search

SECTIONS = (
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Immunization",
    "Procedure",
)
MOST_OF_A_TYPE = 200
"""The most resources of one type in a summary, the newest first."""


async def _records(request: FhirRequest, type_name: str) -> list[dict[str, Any]]:
    pairs = [("patient", f"Patient/{request.id}"), ("_sort", "-_lastUpdated")]
    record = request.record
    query = parse_query(type_name, pairs, lenient=False)
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_OF_A_TYPE)
    record.disclosed += page.matches
    return [parse_exact(one.body) for one in page.matches]


async def summary(request: FhirRequest) -> Response:
    """Answer a patient's summary over all sites, as a document.

    Raises:
        NotFound: it is asked of another type than Patient.
    """
    request.check_accept()
    if request.type != "Patient":
        raise NotFound(f"{request.path} is not an address of this server")
    patient = await request.record.read("Patient", request.id)
    records = {type_name: await _records(request, type_name) for type_name in SECTIONS}
    language: Literal["ja", "en"] = "ja" if b"ja" in request.headers.get(b"accept-language", b"ja") else "en"
    author = {"resourceType": "Organization", "id": "hub", "name": request.hub.settings.region}
    bundle = make(
        parse_exact(patient.body),
        records,
        id=str(uuid.uuid4()),
        now=instant(request.now),
        author=author,
        language=language,
    )
    stored = {f"{one.type}/{one.id}": one.body for one in request.record.disclosed}
    return fhir_response(await sealed(request.hub, summary_body(bundle, stored)))
