"""The sums that the Observation of a dose report states, by name, and sums of them."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from dicom.reports.dose import Quantity, plain

SUMS = {
    "events": "113812",
    "dlp": "113813",
    "ctdivol": "113830",
    "dap": "113722",
    "reference_dose": "113725",
    "fluoro_time": "113730",
    "glandular_dose": "111637",
    "activity": "113507",
}
"""The columns of a person's list, and the codes of DCM that they hold."""

MOST_POWER = 30
"""Of ten, of a number that is read as a dose."""

ADDED = ("dlp", "dap", "reference_dose", "fluoro_time", "activity")
"""Of these a sum is shown."""


def component_sums(body: Mapping[str, Any]) -> dict[str, Quantity]:
    """Return the sums of an Observation; parts of one sum, as of two planes, are added, of CTDIvol the largest."""
    found: dict[str, Quantity] = {}
    names = {code: name for name, code in SUMS.items()}
    for one in body.get("component", ()):
        codes = {each.get("code") for each in one.get("code", {}).get("coding", ())}
        name = next((names[code] for code in codes if code in names), "")
        quantity = one.get("valueQuantity", {})
        unit = str(quantity.get("code") or quantity.get("unit", ""))
        try:
            value = Decimal(str(quantity.get("value")))
        except InvalidOperation:
            continue
        before = found.get(name)
        if not name or not value.is_finite() or (before is not None and before.unit != unit):
            continue
        if abs(value.adjusted()) > MOST_POWER:
            continue
        if before is not None:
            value = max(before.value, value) if name == "ctdivol" else before.value + value
        found[name] = Quantity(plain(value), unit)
    return found


def totals(found: Iterable[Mapping[str, Quantity]]) -> dict[str, Quantity]:
    """Return the sums of what is listed, each of those that are in the same unit as the first."""
    sums: dict[str, Quantity] = {}
    for one in found:
        for name in ADDED:
            if (quantity := one.get(name)) is not None:
                before = sums.get(name, Quantity(Decimal(0), quantity.unit))
                if before.unit == quantity.unit:
                    sums[name] = Quantity(plain(before.value + quantity.value), quantity.unit)
    return sums
