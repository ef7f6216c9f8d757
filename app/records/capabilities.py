"""capabilities: the CapabilityStatement, derived from what is registered.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import orjson

from app.consent.decide import WRITES
from app.records.interactions import INTERACTIONS
from app.records.operations import definition, described, named_in
from app.records.patch import FORMATS
from fhir.errors import FhirError
from fhir.search import criterion
from fhir.search.in_force import R4, InForce
from fhir.spec.search_parameters import COMPARTMENTS, SearchParameter
from fhir.store.categories import category
from fhir.store.types import NUMBERS

_TYPE_FORMS = {"type", "type/_search", "type/_history", "type/id", "type/id/_history", "type/id/_history/version"}
_WRITES = {"create", "update", "patch", "delete"}

ASKED_OF_ALL = {
    "_filter": "One expression of comparisons.",
    "_has": "Resources that others refer to: `_has:Observation:patient:code`.",
    "_list": "The entries of a List, by its id.",
    "_type": "At the base and in a compartment: the types that are searched, parted by commas.",
}
"""What a search takes besides the search parameters of its type, and what only shapes the answer."""

SECURITY = (
    "Every request but this one needs a token (OAuth 2.0: SMART App Launch for people, Backend Services for systems). "
    "What a caller may not see does not exist for it, and every access is on record before the answer leaves."
)
_CONDITIONS = (
    "Conditions of writes are searches in the caller's own custody. PATCH takes conditions too. An update creates "
    "under ids only that begin with the caller's short name and a hyphen."
)


_IHE = "https://profiles.ihe.net/ITI"
INSTANTIATES = [
    f"{_IHE}/mCSD/CapabilityStatement/IHE.mCSD.Directory",
    f"{_IHE}/mCSD/CapabilityStatement/IHE.mCSD.Directory.Update",
    f"{_IHE}/mCSD/CapabilityStatement/IHE.mCSD.Directory.Feed",
    f"{_IHE}/PDQm/CapabilityStatement/IHE.PDQm.PatientDemographicsSupplier",
    f"{_IHE}/PDQm/CapabilityStatement/IHE.PDQm.PatientDemographicsSupplierMatch",
    f"{_IHE}/PIXm/CapabilityStatement/IHE.PIXm.Manager",
    "https://profiles.ihe.net/PCC/QEDm/CapabilityStatement/IHE.QEDm.Clinical-Data-Source",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Comprehensive",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.UnContained",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Fdoc",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Simplified",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentRecipient.Generate",
    f"{_IHE}/MHD/CapabilityStatement/IHE.MHD.DocumentResponder",
]
"""The actors of IHE profiles that the hub is."""


PROFILES = {
    "Patient": [
        f"{_IHE}/PDQm/StructureDefinition/IHE.PDQm.Patient",
        f"{_IHE}/PIXm/StructureDefinition/IHE.PIXm.Patient",
    ],
    "DocumentReference": [
        f"{_IHE}/MHD/StructureDefinition/IHE.MHD.{name}.DocumentReference"
        for name in ("Minimal", "Comprehensive", "UnContained.Comprehensive", "SimplifiedPublish")
    ],
    "List": [
        f"{_IHE}/MHD/StructureDefinition/IHE.MHD.{name}"
        for name in (
            *("Minimal.SubmissionSet", "Comprehensive.SubmissionSet", "UnContained.Comprehensive.SubmissionSet"),
            *("Minimal.Folder", "Comprehensive.Folder"),
        )
    ],
}
"""By type, the profiles that the actors take and answer."""

MESSAGES = [{"mode": "receiver", "definition": f"{_IHE}/PMIR/MessageDefinition/IHE.PMIR.MessageDefinition"}]
"""The messages that are carried out."""


def searchable(type_name: str, known: InForce = R4) -> list[SearchParameter]:
    """Return the search parameters of a type that can be asked for, by their names."""
    return [one for _, one in sorted(known.of(type_name).items()) if _may_be_asked(one, type_name, known)]


def _may_be_asked(parameter: SearchParameter, type_name: str, known: InForce) -> bool:
    if parameter.type == "composite":
        return bool(parameter.components)
    try:
        criterion.find(type_name, parameter.code, known)
    except FhirError:
        return False
    return True


def interactions_of(type_name: str) -> list[str]:
    """Return the codes of what is done with a type; nobody writes the audit log's."""
    codes = {one.code for (_, form), one in INTERACTIONS.items() if form in _TYPE_FORMS}
    number = category({"resourceType": type_name})
    written = any(mask >> number & 1 for mask in WRITES.values())
    return sorted(codes if written else codes - _WRITES)


def operations_of(type_name: str) -> list[str]:
    """Return the names of the operations that are asked of a type, or at the base when it is empty."""
    found = {named_in(form) for _, form in INTERACTIONS if form.startswith("type/") is bool(type_name)} - {""}
    return sorted(name for name in found if not type_name or described(name).types in ((), *_with(type_name, name)))


def _with(type_name: str, name: str) -> Iterable[tuple[str, ...]]:
    types = described(name).types
    return (types,) if type_name in types else ()


@lru_cache(maxsize=4)
def _reverse(known: InForce) -> dict[str, list[str]]:
    """Return what `_revinclude` may name, by the type that is referred to; what may refer to any type is left out."""
    found: dict[str, list[str]] = {}
    for source in sorted(NUMBERS):
        for one in searchable(source, known):
            for target in one.targets if one.type == "reference" and len(one.targets) < len(NUMBERS) else ():
                found.setdefault(target, []).append(f"{source}:{one.code}")
    return found


def reverse_includes(type_name: str, known: InForce = R4) -> list[str]:
    """Return what `_revinclude` may name in a search of a type."""
    return ["*", *_reverse(known).get(type_name, ())]


def includes(type_name: str, known: InForce = R4) -> list[str]:
    """Return what `_include` may name in a search of a type."""
    return ["*", *(f"{type_name}:{one.code}" for one in searchable(type_name, known) if one.type == "reference")]


def _operation(address: str, name: str) -> dict[str, str]:
    text = described(name).text
    return {"name": name, "definition": definition(address, name), **({"documentation": text} if text else {})}


def _parameter(parameter: SearchParameter) -> dict[str, str]:
    own = {"definition": parameter.url} if parameter.url else {}
    return {"name": parameter.code, **own, "type": parameter.type}


def _resource(address: str, type_name: str, conditional_delete: str, known: InForce) -> dict[str, Any]:
    codes = interactions_of(type_name)
    written = "create" in codes
    return {
        "type": type_name,
        **({"supportedProfile": PROFILES[type_name]} if type_name in PROFILES else {}),
        "interaction": [{"code": code} for code in codes],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": written,
        "conditionalCreate": written,
        "conditionalRead": "full-support",
        "conditionalUpdate": written,
        "conditionalDelete": conditional_delete if written else "not-supported",
        "referencePolicy": ["literal", "logical", "local"],
        "searchInclude": includes(type_name, known),
        "searchRevInclude": reverse_includes(type_name, known),
        "searchParam": [_parameter(one) for one in searchable(type_name, known)],
        "operation": [_operation(address, name) for name in operations_of(type_name)],
    }


def _security(address: str) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    services = ("SMART-on-FHIR", "OAuth")
    extension = {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [
            {"url": name, "valueUri": f"{address}/oauth/{name}"}
            for name in ("authorize", "token", "introspect", "revoke")
        ],
    }
    return {
        "extension": [extension],
        "cors": True,
        "service": [{"coding": [{"system": system, "code": code}]} for code in services],
        "description": SECURITY,
    }


def _code(name: str) -> str:
    return name[0].lower() + name[1:]


def _rest(address: str, conditional_delete: str, known: InForce) -> dict[str, Any]:
    codes = {one.code for (_, form), one in INTERACTIONS.items() if form in ("", "_search", "_history")}
    return {
        "mode": "server",
        "documentation": f"{_CONDITIONS} For people: {address}/fhir/api; as OpenAPI: {address}/fhir/openapi.json.",
        "security": _security(address),
        "resource": [_resource(address, name, conditional_delete, known) for name in sorted(NUMBERS)],
        "interaction": [{"code": code} for code in sorted({*codes, "batch"})],
        "searchParam": [
            {"name": name, "type": "special", "documentation": text} for name, text in ASKED_OF_ALL.items()
        ],
        "operation": [_operation(address, name) for name in operations_of("")],
        "compartment": [f"http://hl7.org/fhir/CompartmentDefinition/{_code(name)}" for name in COMPARTMENTS],
    }


@lru_cache(maxsize=4)
def capability_statement(address: str, conditional_delete: str, known: InForce = R4) -> bytes:
    """Return the statement of the hub at `address`, as JSON.

    Args:
        address: That of the hub.
        conditional_delete: The setting.
        known: The search parameters that may be asked for.
    """
    release = version("renkei")
    return orjson.dumps(
        {
            "resourceType": "CapabilityStatement",
            "url": f"{address}/fhir/metadata",
            "version": release,
            "name": "Renkei",
            "title": "Renkei, the hub of a regional exchange",
            "status": "active",
            "date": "2026-11-27",
            "publisher": "Renkei",
            "description": "What this hub does by FHIR; it is made of the table by which requests are answered.",
            "kind": "instance",
            "instantiates": INSTANTIATES,
            "software": {"name": "Renkei", "version": release},
            "implementation": {"description": "The hub of a regional exchange", "url": f"{address}/fhir"},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
            "patchFormat": list(FORMATS),
            "rest": [_rest(address, conditional_delete, known)],
            "messaging": [{"documentation": f"Posted to {address}/fhir.", "supportedMessage": MESSAGES}],
        }
    )
