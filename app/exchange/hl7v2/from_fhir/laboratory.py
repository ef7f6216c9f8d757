"""OML-01, OML-11, OMG-01 to OMG-03, OMG-13: what was asked of laboratories and examinations, and what they found."""

from collections.abc import Iterable, Mapping, Sequence

from app.exchange.hl7v2.from_fhir.observed import observed
from app.exchange.hl7v2.from_fhir.ordered import order_line
from app.exchange.hl7v2.from_fhir.values import coded, identifier, moment, person
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import TERMINOLOGY
from app.exchange.hl7v2.write import Field, Line, segment

_STATUSES = {
    "final": "F",
    "preliminary": "P",
    "partial": "A",
    "corrected": "C",
    "amended": "C",
    "cancelled": "X",
    "registered": "R",
}
_SECTIONS = f"{TERMINOLOGY}v2-0074"
_PRIORITIES = {"stat": "S", "asap": "A", "routine": "R", "urgent": "T"}


def results(
    report: Resource,
    found: Sequence[Resource],
    specimen: Resource | None,
    source: Source,
    *,
    place: int,
    order_first: bool,
) -> Iterable[Line]:
    """Yield the segments of a report and its results.

    Args:
        report: A DiagnosticReport; of results without one, what stands for it.
        found: Its Observations.
        specimen: What they were made of.
        source: The site.
        place: Which report of the message it is, from 1.
        order_first: Whether ORC goes before OBR, as it does everywhere but in OUL^R22.
    """
    if specimen is not None:
        yield _specimen(specimen, place, source)
    order = order_line(report, source, control="SC", status="CM")
    if order_first:
        yield order
    yield _report(report, source)
    if not order_first:
        yield order
    for number, one in enumerate(found, start=1):
        yield from observed(one, number, source)
    for number, form in enumerate(report.get("presentedForm", ()), start=len(found) + 1):
        if form.get("data"):
            kind, _, subtype = form.get("contentType", "application/octet-stream").partition("/")
            data = ("", kind, subtype.upper(), "Base64", form["data"])
            yield segment(
                "OBX", {1: str(number), 2: "ED", 3: ("PDF", form.get("title", ""), "99RENKEI"), 5: data, 11: "F"}
            )


def requests(
    orders: Sequence[Resource], named: Mapping[str, Resource], source: Source, *, specimen_first: bool
) -> Iterable[Line]:
    """Yield the segments of ServiceRequests: of each its specimen, order, timing, request, and rows.

    Args:
        orders: The requests of one message.
        named: What they refer to, by reference.
        source: The site.
        specimen_first: Whether the specimen goes before its request, as in OML^O33.
    """
    for place, one in enumerate(orders, start=1):
        specimens = [named[each["reference"]] for each in one.get("specimen", ()) if each.get("reference") in named]
        if specimen_first and specimens:
            yield _specimen(specimens[0], place, source)
        yield _order(one, source)
        priority = _PRIORITIES.get(one.get("priority", ""), "")
        if priority:
            yield segment("TQ1", {1: "1", 9: priority})
        yield _request(one, source)
        for number, each in enumerate(one.get("orderDetail", ()), start=1):
            yield segment("OBX", {1: str(number), 3: coded(each, source), 11: "O"})
        for number, each in enumerate(one.get("supportingInfo", ()), start=len(one.get("orderDetail", ())) + 1):
            if each.get("reference") in named:
                yield from observed(named[each["reference"]], number, source)


def parent_of(one: Resource, source: Source) -> str:
    """Return the number of the order that a request is a part of; empty where it is of none."""
    found = (each.get("identifier", {}) for each in one.get("basedOn", ()))
    return next((str(each["value"]) for each in found if each.get("system") == source.order_system), "")


def _order(one: Resource, source: Source) -> Line:
    line = list(order_line(one, source, control="CH" if parent_of(one, source) else ""))
    parent = parent_of(one, source)
    if parent:
        line.extend([""] * (9 - len(line)))
        line[8] = parent
    return line


def _specimen(one: Resource, place: int, source: Source) -> Line:
    collection = one.get("collection", {})
    fields: dict[int, Field] = {
        1: str(place),
        2: identifier({"identifier": one.get("accessionIdentifier", {})}, source.local("specimen-number")),
        4: coded(one.get("type"), source),
        7: coded(collection.get("method"), source),
        8: coded(collection.get("bodySite"), source),
        14: next((each.get("text", "") for each in one.get("note", ())), ""),
        17: moment(collection.get("collectedDateTime", ""), source),
        18: moment(one.get("receivedTime", ""), source),
    }
    return segment("SPM", {number: field for number, field in fields.items() if field})


def _report(one: Resource, source: Source) -> Line:
    concept = dict(one.get("code", {}))
    codings = [each for each in concept.get("coding", ()) if "JP_DocumentCodes_CS" not in each.get("system", "")]
    concept["coding"] = codings
    period = one.get("effectivePeriod", {})
    fields: dict[int, Field] = {
        1: "1",
        2: identifier(one, source.order_system),
        3: identifier(one, source.local("filler-number")),
        4: coded(concept, source),
        7: moment(period.get("start", "") or one.get("effectiveDateTime", ""), source),
        8: moment(period.get("end", ""), source),
        18: identifier(one, source.local("accession-number")),
        22: moment(one.get("issued", ""), source),
        24: _section(one),
        25: _STATUSES.get(one.get("status", ""), ""),
        32: next((person(each) for each in one.get("performer", ())), ""),
    }
    return segment("OBR", {number: field for number, field in fields.items() if field})


def _section(one: Resource) -> str:
    """Return the section of HL7 table 0074 that made a report, the narrowest it names; empty where it names none."""
    codings = [each for concept in one.get("category", ()) for each in concept.get("coding", ())]
    return next((str(each.get("code", "")) for each in reversed(codings) if each.get("system") == _SECTIONS), "")


def _request(one: Resource, source: Source) -> Line:
    notes = [each.get("text", "") for each in one.get("note", ())]
    fields: dict[int, Field] = {
        1: "1",
        2: identifier(one, source.order_system),
        4: coded(one.get("code"), source),
        7: moment(one.get("occurrenceDateTime", ""), source),
        13: "、".join(notes),
        16: person(one.get("requester")),
        18: identifier(one, source.local("accession-number")),
        29: parent_of(one, source),
        31: [coded(each, source) for each in one.get("reasonCode", ())],
    }
    return segment("OBR", {number: field for number, field in fields.items() if field not in ("", [])})
