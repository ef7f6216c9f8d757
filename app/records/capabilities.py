"""capabilities: the CapabilityStatement, derived from what is registered.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from functools import lru_cache
from importlib.metadata import version
from typing import Any

import orjson

from app.records.interactions import INTERACTIONS
from app.records.patch import FORMATS
from fhir.search.extract import SLOTS
from fhir.search.in_force import R4, InForce
from fhir.spec.search_parameters import COMPARTMENTS
from fhir.store.types import NUMBERS

_DEFINITIONS = {
    "convert": "http://hl7.org/fhir/OperationDefinition/Resource-convert",
    "document": "http://hl7.org/fhir/OperationDefinition/Composition-document",
    "everything": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    "expand": "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    "export": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
    "graphql": "http://hl7.org/fhir/OperationDefinition/Resource-graphql",
    "lastn": "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    "lookup": "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
    "meta": "http://hl7.org/fhir/OperationDefinition/Resource-meta",
    "meta-add": "http://hl7.org/fhir/OperationDefinition/Resource-meta-add",
    "meta-delete": "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete",
    "validate": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    "subsumes": "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
    "summary": "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
    "translate": "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
    "validate-code": "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
}
"""Of each operation that somebody else has defined."""

_TYPE_FORMS = {"type", "type/_search", "type/_history", "type/id", "type/id/_history", "type/id/_history/version"}


def _operations() -> list[dict[str, str]]:
    names = {word[1:] for _, form in INTERACTIONS for word in form.split("/") if word[:1] == "$"}
    return [{"name": name, "definition": _DEFINITIONS[name]} for name in sorted(names & set(_DEFINITIONS))]


def _code(name: str) -> str:
    return name[0].lower() + name[1:]


def _resource(type_name: str, codes: list[str], conditional_delete: str, known: InForce) -> dict[str, Any]:
    searchable = [
        {"name": code, **({"definition": parameter.url} if parameter.url else {}), "type": parameter.type}
        for code, parameter in sorted(known.of(type_name).items())
        if parameter.type in {*SLOTS, "composite"} or code == "near"
    ]
    return {
        "type": type_name,
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": conditional_delete,
        "searchInclude": ["*", *(f"{type_name}:{one['name']}" for one in searchable if one["type"] == "reference")],
        "searchRevInclude": ["*"],
        "searchParam": searchable,
    }


@lru_cache(maxsize=4)
def capability_statement(address: str, conditional_delete: str, known: InForce = R4) -> bytes:
    """Return the statement of the hub at `address`, as JSON.

    Args:
        address: That of the hub.
        conditional_delete: The setting.
        known: The search parameters that may be asked for.
    """
    codes = sorted({one.code for (_, form), one in INTERACTIONS.items() if form in _TYPE_FORMS})
    security = {
        "cors": False,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": "token", "valueUri": f"{address}/oauth/token"}],
            }
        ],
    }
    rest = {
        "mode": "server",
        "security": security,
        "resource": [_resource(name, codes, conditional_delete, known) for name in sorted(NUMBERS)],
        "interaction": [{"code": code} for code in ("transaction", "batch", "search-system", "history-system")],
        "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{_code(name)}" for name in COMPARTMENTS],
        "operation": _operations(),
    }
    return orjson.dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-11-22",
            "publisher": "Renkei",
            "kind": "instance",
            "software": {"name": "Renkei", "version": version("renkei")},
            "implementation": {"description": "The hub of a regional exchange", "url": f"{address}/fhir"},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
            "patchFormat": list(FORMATS),
            "rest": [rest],
        }
    )
