"""OMP-01, OMP-02, OMP-11, OMP-12: prescriptions, injections, and what was given."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.exchange.hl7v2.from_fhir.ordered import order_line
from app.exchange.hl7v2.from_fhir.values import coded, coded_parts, digits, identifier, moment, person, place, unit
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.prescription import INSTRUCTION, RP_NUMBER
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import EXTENSION
from app.exchange.hl7v2.write import Components, Field, Line, segment

_PRIORITIES = {"stat": "S", "asap": "A", "routine": "R", "urgent": "T"}
_GIVEN = {"completed": "CP", "stopped": "PA", "not-done": "RE"}
_SPANS = {"d": "d", "h": "h", "wk": "w", "mo": "M"}


def is_injection(request: Resource) -> bool:
    """Return whether a request is one of OMP-02: a mixture, or at a rate."""
    rates = (rate for dosage in request.get("dosageInstruction", ()) for rate in dosage.get("doseAndRate", ()))
    return bool(_mixture(request)) or any("rateQuantity" in rate for rate in rates)


def was_injected(given: Resource) -> bool:
    """Return whether what was given is of OMP-12: at a rate, in words or numbers."""
    dosage = given.get("dosage", {})
    return bool(dosage.get("text") or dosage.get("rateQuantity") or dosage.get("rateRatio"))


def group_of(resource: Resource, source: Source) -> str:
    """Return ORC-4: the group within the order."""
    return identifier(resource, source.local("order-group")) or identifier(resource, RP_NUMBER) or "1"


def prescribed(requests: Sequence[Resource], source: Source, number: str) -> Iterable[Line]:
    """Yield ORC, RXE, NTE, TQ1, RXR and RXC of each MedicationRequest of an order."""
    for one in requests:
        yield order_line(one, source, number=number, group=group_of(one, source))
        yield _medication(one, source)
        for place_, note in enumerate(one.get("note", ()), start=1):
            yield segment("NTE", {1: str(place_), 3: note.get("text", "")})
        for place_, dosage in enumerate(one.get("dosageInstruction", ()), start=1):
            yield _timing(one, dosage, place_, source)
        way = _way(next(iter(one.get("dosageInstruction", ())), {}), source)
        if way:
            yield segment("RXR", way)
        yield from _parts(one, source)


def given(administrations: Sequence[Resource], source: Source, number: str) -> Iterable[Line]:
    """Yield ORC, RXA and RXR of what was given of an order, group by group."""
    groups: dict[str, list[Resource]] = {}
    for one in administrations:
        groups.setdefault(group_of(one, source), []).append(one)
    for group, members in groups.items():
        yield _asked(members[0], source, number, group)
        for one in members:
            yield _given(one, source)
        way = _way(members[0].get("dosage", {}), source)
        device = next((each.get("display", "") for each in members[0].get("device", ())), "")
        if device:
            way[3] = ("", device)
        if way:
            yield segment("RXR", way)


def _asked(one: Resource, source: Source, number: str, group: str) -> Line:
    said = {each["url"].rpartition("_")[2]: each for each in one.get("extension", ())}
    asked = {
        **one,
        "status": "active",
        "requester": said.get("Requester", {}).get("valueReference"),
        "authoredOn": said.get("RequestAuthoredOn", {}).get("valueDateTime", ""),
    }
    return order_line(asked, source, number=number, group=group)


def _medication(one: Resource, source: Source) -> Line:
    dosage: Mapping[str, Any] = next(iter(one.get("dosageInstruction", ())), {})
    rate: Mapping[str, Any] = next(iter(dosage.get("doseAndRate", ())), {})
    dispense = one.get("dispenseRequest", {})
    dose = rate.get("doseQuantity") or rate.get("doseRange", {}).get("low")
    daily = rate.get("rateRatio", {}).get("numerator")
    mixture = _mixture(one)
    concept = mixture.get("code") if mixture else one.get("medicationCodeableConcept")
    fields: dict[int, Field] = {
        2: coded(concept, source),
        3: digits(dose),
        4: digits(rate.get("doseRange", {}).get("high")),
        5: _unit(dose, source),
        7: [coded(e["valueCodeableConcept"], source) for e in dispense.get("extension", ()) if e["url"] == INSTRUCTION],
        10: digits(dispense.get("quantity")),
        11: _unit(dispense.get("quantity"), source),
        12: str(dispense.get("numberOfRepeatsAllowed", "")),
        15: identifier(one, source.local("prescription-number")),
        19: (digits(daily), unit(daily, source)) if daily else "",
        21: [coded(each, source) for each in one.get("category", ())],
        23: digits(rate.get("rateQuantity")),
        24: _unit(rate.get("rateQuantity"), source),
        31: [coded({"coding": [each]}, source) for each in (concept or {}).get("coding", ())[2:]],
    }
    return segment("RXE", {number: field for number, field in fields.items() if field not in ("", [])})


def _unit(quantity: Mapping[str, Any] | None, source: Source) -> Components:
    code, text, name = unit(quantity, source)
    return (code, text, name) if name else (code, text) if text != code else code


def _mixture(one: Resource) -> Mapping[str, Any]:
    reference = one.get("medicationReference", {}).get("reference", "")
    return next((each for each in one.get("contained", ()) if reference == f"#{each.get('id')}"), {})


def _parts(one: Resource, source: Source) -> Iterable[Line]:
    for place_, each in enumerate(_mixture(one).get("ingredient", ())):
        amount = each.get("strength", {}).get("numerator")
        concept = coded(each.get("itemCodeableConcept"), source)
        yield segment("RXC", {1: "A" if place_ else "B", 2: concept, 3: digits(amount), 4: _unit(amount, source)})


def _timing(one: Resource, dosage: Mapping[str, Any], number: int, source: Source) -> Line:
    timing = dosage.get("timing", {})
    repeat = timing.get("repeat", {})
    lasts = repeat.get("boundsDuration")
    period: Mapping[str, Any] = next((e["valuePeriod"] for e in dosage.get("extension", ()) if "valuePeriod" in e), {})
    usage = timing.get("code") or ({"text": dosage["text"]} if "text" in dosage else {})
    told = [each.get("text", "") for each in dosage.get("additionalInstruction", ())]
    fields: dict[int, Field] = {
        1: str(number),
        3: (coded_parts(usage, source),) if usage else "",
        6: (digits(lasts), _SPANS.get(lasts.get("code", ""), lasts.get("unit", ""))) if lasts else "",
        7: moment(period.get("start", ""), source),
        8: moment(period.get("end", ""), source),
        9: "PRN" if dosage.get("asNeededBoolean") else _PRIORITIES.get(one.get("priority", ""), ""),
        11: "、".join(told),
        14: str(repeat.get("count", "")),
    }
    return segment("TQ1", {place_: field for place_, field in fields.items() if field})


def _way(dosage: Mapping[str, Any], source: Source) -> dict[int, Field]:
    device = next(
        (
            e["valueReference"].get("display", "")
            for e in dosage.get("extension", ())
            if e["url"] == f"{EXTENSION}JP_MedicationDosage_Device"
        ),
        "",
    )
    method = dosage.get("method", {})
    basic = any("MedicationMethodBasicUsage" in c.get("system", "") for c in method.get("coding", ()))
    fields: dict[int, Field] = {1: coded(dosage.get("route"), source), 2: coded(dosage.get("site"), source)}
    fields |= {3: ("", device) if device else "", 4: "" if basic else coded(method, source)}
    return {number: field for number, field in fields.items() if field}


def _given(one: Resource, source: Source) -> Line:
    period = one.get("effectivePeriod", {})
    at = one.get("effectiveDateTime", "")
    dosage = one.get("dosage", {})
    where: Mapping[str, Any] = next(
        (e["valueReference"] for e in one.get("extension", ()) if e["url"].endswith("_Location")), {}
    )
    notes = [each.get("text", "") for each in one.get("note", ())]
    lot = next((text.removeprefix("ロット番号: ") for text in notes if text.startswith("ロット番号: ")), "")
    fields: dict[int, Field] = {
        1: "0",
        2: "1",
        3: moment(period.get("start", "") or at, source),
        4: moment(period.get("end", "") or at, source),
        5: coded(one.get("medicationCodeableConcept"), source),
        6: digits(dosage.get("dose")),
        7: _unit(dosage.get("dose"), source),
        9: [("", text) for text in notes if not text.startswith("ロット番号: ")],
        10: [person(each.get("actor")) for each in one.get("performer", ())],
        11: place(where) if where else "",
        12: dosage.get("text", ""),
        15: lot,
        20: _GIVEN.get(one.get("status", ""), ""),
        21: "D" if one.get("status") == "entered-in-error" else "",
    }
    return segment("RXA", {number: field for number, field in fields.items() if field not in ("", [])})
