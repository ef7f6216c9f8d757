"""OMD: meals."""

from collections.abc import Iterable

from app.exchange.hl7v2.from_fhir.ordered import order_line
from app.exchange.hl7v2.from_fhir.values import coded, coded_parts, moment, person
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import Field, Line, segment


def meals(one: Resource, source: Source, number: str) -> Iterable[Line]:
    """Yield ORC, TQ1 and ODS of a NutritionOrder."""
    ordered = {**one, "requester": one.get("orderer"), "authoredOn": one.get("dateTime", "")}
    yield order_line(ordered, source, number=number, recorder=person(one.get("orderer")))
    diet = one.get("oralDiet", {})
    for place, schedule in enumerate(diet.get("schedule", ()), start=1):
        period = schedule.get("repeat", {}).get("boundsPeriod", {})
        fields: dict[int, Field] = {
            1: str(place),
            3: (coded_parts(schedule["code"], source),) if "code" in schedule else "",
            7: moment(period.get("start", ""), source),
            8: moment(period.get("end", ""), source),
        }
        yield segment("TQ1", {number_: field for number_, field in fields.items() if field})
    diets = [coded(each, source) for each in diet.get("type", ())]
    if diets or diet.get("instruction"):
        yield segment("ODS", {1: "D", 3: diets, 4: diet.get("instruction", "")})
    wishes = [coded(each, source) for each in one.get("foodPreferenceModifier", ())]
    if wishes:
        yield segment("ODS", {1: "P", 3: wishes})
