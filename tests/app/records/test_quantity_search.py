"""Search for quantities in any unit that measures the same: https://hl7.org/fhir/R4/search.html#quantity."""

from urllib.parse import urlencode

import pytest

from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

UCUM = "http://unitsofmeasure.org"
VALUES = {
    "a": (5.4, "mg"),
    "b": (0.0054, "g"),
    "c": (5400, "ug"),
    "d": (6, "mg"),
    "e": (5.4, "mg/dL"),
    "f": (54, "mg/L"),
    "g": (36.5, "Cel"),
    "h": (309.65, "K"),
    "i": (63, "10*2/uL"),
    "j": (6.3, "10*9/L"),
    "k": (5.4, "[IU]"),
    "l": (0.0054, "k[IU]"),
    "m": (5.4, "mmol/L"),
    "n": (5.4, "TAB"),
    "o": (2, "kg"),
}


CASES = (
    ("0.0054|{}|g", "abc"),
    ("5.4|{}|mg", "abc"),
    ("5400|{}|ug", "abc"),
    ("5.4||mg", "a"),
    ("gt5.4|{}|mg", "do"),
    ("ge5400|{}|ug", "abcdo"),
    ("lt0.006|{}|g", "abc"),
    ("ne5.4|{}|mg", "do"),
    ("ap6|{}|mg", "abcd"),
    ("0.054|{}|g/L", "ef"),
    ("98|{}|[degF]", "gh"),
    ("sa309.6|{}|K", "gh"),
    ("6.3|{}|10*3/uL", "ij"),
    ("6300|{}|/uL", "ij"),
    ("5.4|{}|[IU]", "kl"),
    ("5.4|{}|mmol/L", "m"),
    ("5.4|{}|TAB", "n"),
    ("5.4|urn:x|mg", ""),
    ("5.4|{0}|mg,2000|{0}|g", "abco"),
)


async def test_a_value_is_found_in_each_unit_that_measures_the_same(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    names = {}
    for name, (value, unit) in VALUES.items():
        quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
        component = {"code": {"coding": [{"code": "part"}]}, "valueQuantity": quantity}
        made = an_observation(patient, valueQuantity=quantity, component=[component])
        names[(await world.post(own, made))["id"]] = name

    for asked, expected in CASES:
        value = asked.format(UCUM)
        for query in (
            {"value-quantity": value},
            {"patient": patient, "value-quantity": value},
            {"code-value-quantity": ",".join(f"4548-4${one}" for one in value.split(","))},
            {"component-code-value-quantity": ",".join(f"part${one}" for one in value.split(","))},
        ):
            response = await world.http.get(f"/fhir/Observation?{urlencode(query)}", headers=own)
            found = [names[one["resource"]["id"]] for one in response.json().get("entry", ())]
            assert "".join(sorted(found)) == expected, query


async def test_a_search_in_too_many_units_is_refused(world: World) -> None:
    own = await world.client("hospital-a")
    values = ",".join(f"{number}|{UCUM}|mg/dL" for number in range(20))

    response = await world.http.get(f"/fhir/Observation?{urlencode({'value-quantity': values})}", headers=own)

    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, "invalid")
    assert "500 values" in response.json()["issue"][0]["diagnostics"]
