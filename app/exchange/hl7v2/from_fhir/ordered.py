"""ORC: what all orders have in common."""

from app.exchange.hl7v2.from_fhir.values import department, identifier, moment, person
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.order import DEPARTMENT, OWN_DEPARTMENT
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import EXTENSION
from app.exchange.hl7v2.write import Components, Field, Line, segment

_CONTROLS = {"cancelled": "CA", "revoked": "CA", "stopped": "DC", "entered-in-error": "OC"}


def number_of(resource: Resource, source: Source) -> str:
    """Return an order's number at the site; empty where it has none."""
    return identifier(resource, source.order_system)


def department_of(resource: Resource, source: Source) -> str:
    """Return the code of the department, or `-`."""
    unit = _unit(resource, source)
    return (unit[0] if isinstance(unit, tuple) and isinstance(unit[0], str) else "") or "-"


def _unit(resource: Resource, source: Source) -> Components:
    for url in (DEPARTMENT, OWN_DEPARTMENT, f"{EXTENSION}JP_MedicationAdministration_RequestDepartment"):
        found = department(resource, url, source)
        if found:
            return found
    return ""


def order_line(
    resource: Resource,
    source: Source,
    *,
    number: str = "",
    group: str = "",
    recorder: Components = "",
    control: str = "",
    status: str = "",
) -> Line:
    """Return ORC of a request, a result or a disease.

    Args:
        resource: What was ordered, found or recorded.
        source: The site.
        number: The order's number, where it is no identifier of the resource.
        group: ORC-4: the group within the order.
        recorder: Who entered it, where that is no `requester`.
        control: ORC-1, where it does not follow from the status.
        status: ORC-5.
    """
    requester = person(resource.get("requester"))
    fields: dict[int, Field] = {
        1: control or _CONTROLS.get(resource.get("status", ""), "NW"),
        2: number or number_of(resource, source),
        3: identifier(resource, source.local("filler-number")),
        4: group,
        5: status,
        9: moment(resource.get("authoredOn", ""), source),
        10: person(resource.get("recorder")) if requester else "",
        12: requester or recorder,
        17: _unit(resource, source),
    }
    return segment("ORC", {place: field for place, field in fields.items() if field})
