"""`$validate`: what is wrong with a resource, by base R4 and by profiles. Nothing is stored.

http://hl7.org/fhir/R4/resource-operation-validate.html
"""

from dataclasses import dataclass
from typing import Any

from app.records.checked import checked
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, outcome_response
from fhir.errors import InvalidValue
from fhir.issue import Issue
from fhir.profiles.conformance import conformance
from fhir.profiles.definitions import Definitions
from fhir.profiles.profile import is_base
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.store.categories import category
from fhir.store.stored import Stored

MODES = ("create", "update", "delete", "profile")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller wants to know."""

    mode: str
    profiles: tuple[str, ...]
    resource: dict[str, Any] | None


def _from_parameters(resource: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the values of a Parameters resource by their names.

    Raises:
        InvalidValue: it is no proper one.
    """
    issues = [one for one in check({**resource, "parameter": _named(resource)}) if one.severity == "error"]
    if issues:
        raise InvalidValue(issues[0].diagnostics, issues[0].expression)
    found: dict[str, list[Any]] = {}
    for one in resource.get("parameter", ()):
        value = next((v for k, v in one.items() if k.startswith("value") or k == "resource"), None)
        found.setdefault(one["name"], []).append(value)
    return found


def _named(resource: dict[str, Any]) -> Any:
    """Return the parameters without the resource to be validated, whose faults are the answer and not a failure."""
    parameters = resource.get("parameter", [])
    if not isinstance(parameters, list):
        return parameters
    return [
        {"name": "resource", "valueBoolean": True}
        if isinstance(one, dict) and one.get("name") == "resource" and isinstance(one.get("resource"), dict)
        else one
        for one in parameters
    ] or [{"name": "none", "valueBoolean": True}]


async def _asked(request: FhirRequest) -> _Asked:
    """Return what is asked, by the query and by the body.

    Raises:
        InvalidJson: the body is not strict JSON.
        InvalidValue: there is no such mode, or a parameter has no proper value.
    """
    values: dict[str, list[Any]] = {}
    for name, value in request.pairs:
        values.setdefault(name, []).append(value)
    resource: dict[str, Any] | None = None
    if request.method == "POST":
        request.check_content_type()
        body = await request.body(request.hub.settings.largest(request.type))
        resource = parse(body) if body else None
        if resource is not None and resource.get("resourceType") == "Parameters":
            for name, more in _from_parameters(resource).items():
                values.setdefault(name, []).extend(more)
            resource = next(iter(values.get("resource", [])), None)
    modes, profiles = values.get("mode", [""]), values.get("profile", [])
    if len(modes) > 1 or modes[0] not in ("", *MODES):
        raise InvalidValue(f"The mode is one of {', '.join(MODES)}", "mode")
    if not all(isinstance(one, str) and one for one in profiles):
        raise InvalidValue("A profile is named by its canonical URL", "profile")
    return _Asked(modes[0], tuple(profiles), resource if isinstance(resource, dict) else None)


def _issues(resource: dict[str, Any], asked: _Asked, definitions: Definitions) -> list[Issue]:
    """Return what is wrong; profiles are looked at only where the structure is that of R4."""
    found = check(resource, entries=True)
    if found:
        return found
    for url in asked.profiles:
        if not _known(url, definitions):
            found.append(Issue("error", "not-found", "", f"The profile {url} is not known here"))
    wanted = [url for url in asked.profiles if _known(url, definitions)]
    return [*found, *conformance(resource, definitions, wanted)]


def _known(url: str, definitions: Definitions) -> bool:
    """Return whether a profile is base R4's or loaded."""
    return is_base(url) or definitions.known("StructureDefinition", url) is not None


def _may(request: FhirRequest, resource: dict[str, Any], current: Stored | None, asked: _Asked) -> list[Issue]:
    """Return what keeps the caller from the write that a mode asks about."""
    if asked.mode not in ("create", "update", "delete"):
        return []
    authority = request.authority
    if not authority.may_write(category(resource)):
        return [Issue("error", "forbidden", "", f"This role does not write {request.type}")]
    if current is not None and current.custodian != authority.custodian:
        return [Issue("error", "forbidden", "", f"{current.type}/{current.id} is in another site's custody")]
    if asked.mode == "update" and current is not None and resource.get("id") != request.id:
        return [Issue("error", "invalid", f"{request.type}.id", "The body's id is not that of the address")]
    return []


async def validate(request: FhirRequest) -> Response:
    """Answer an OperationOutcome about the resource in the body, or about the stored one.

    Raises:
        InvalidValue: there is nothing to validate, it is of another type than the address, or the mode is not one.
        NotFound: the instance does not exist for the caller.
    """
    request.check_accept()
    known_type(request.type)
    asked = await _asked(request)
    current = await request.record.read(request.type, request.id) if request.id else None
    resource = asked.resource
    if resource is None and current is not None:
        resource = parse(current.body)
    if resource is None:
        raise InvalidValue("There is no resource to validate", "resource")
    if resource.get("resourceType") != request.type:
        raise InvalidValue(f"The resource is no {request.type}", "resourceType")
    if asked.mode == "delete" and current is None:
        raise InvalidValue("Whether it may be deleted is asked of an instance", "mode")
    if asked.mode == "profile" and not asked.profiles:
        raise InvalidValue("The mode profile needs a profile", "profile")
    issues = [] if asked.mode == "delete" else await _found(request, resource, asked)
    issues += _may(request, resource, current, asked)
    return outcome_response(200, issues)


async def _found(request: FhirRequest, resource: dict[str, Any], asked: _Asked) -> list[Issue]:
    definitions = await request.hub.packages.current()
    return await checked(request.hub, lambda: _issues(resource, asked, definitions), len(request.received or b""))
