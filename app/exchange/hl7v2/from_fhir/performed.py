"""OMG-11, OMG-12: what radiology and endoscopy did, with the studies that were made."""

from collections.abc import Iterable, Sequence

from app.exchange.hl7v2.from_fhir.observed import observed
from app.exchange.hl7v2.from_fhir.ordered import number_of, order_line
from app.exchange.hl7v2.from_fhir.values import coded, identifier, moment, person
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import Components, Field, Line, segment


def parent_of(procedure: Resource, source: Source) -> str:
    """Return the number of the order that a procedure is a part of; empty where it is of none."""
    found = (each.get("identifier", {}) for each in procedure.get("partOf", ()))
    return next((str(each["value"]) for each in found if each.get("system") == source.order_system), "")


def performed(
    procedures: Sequence[tuple[Resource, Sequence[Resource]]], report: Resource | None, source: Source
) -> Iterable[Line]:
    """Yield ORC, OBR, OBX and IPC of the procedures of an order.

    Args:
        procedures: Each with what was observed while it was done.
        report: What names the studies.
        source: The site.
    """
    for one, found in procedures:
        parent = parent_of(one, source)
        order = list(order_line({**one, "status": ""}, source, control="CH" if parent else "PA"))
        if parent:
            order[8:9] = [parent]
        yield order
        yield _done(one, report, source)
        number = 0
        for number, each in enumerate(found, start=1):
            yield from observed(each, number, source)
        staff: list[Components] = [person(each.get("actor")) for each in one.get("performer", ())]
        for place, who in enumerate((each for each in staff if each), start=number + 1):
            yield segment("OBX", {1: str(place), 2: "XCN", 3: ("DR", "実施者", "99RENKEI"), 5: who, 11: "F"})
        yield from _studies(report, source)


def _done(one: Resource, report: Resource | None, source: Source) -> Line:
    period = one.get("performedPeriod", {})
    fields: dict[int, Field] = {
        2: number_of(one, source),
        4: coded(one.get("code"), source),
        7: moment(period.get("start", "") or one.get("performedDateTime", ""), source),
        8: moment(period.get("end", ""), source),
        22: moment((report or {}).get("issued", ""), source),
        25: "F" if (report or {}).get("status") == "final" else "",
    }
    return segment("OBR", {number: field for number, field in fields.items() if field})


def _studies(report: Resource | None, source: Source) -> Iterable[Line]:
    if report is None:
        return
    accession = identifier(report, source.local("accession-number"))
    for each in report.get("imagingStudy", ()):
        uid = each.get("identifier", {}).get("value", "").removeprefix("urn:oid:")
        modality = each.get("display", "").removesuffix(accession).strip()
        if uid:
            yield segment("IPC", {1: accession, 3: uid, 5: (modality, "", "DCM") if modality != uid else ""})
