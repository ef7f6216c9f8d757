"""Results of laboratories: Observations as lines, coded as hospitals do; a test names what matters to it."""

from typing import Any

from app.portal.items import Item

JLAC10 = "urn:oid:1.2.392.200119.4.504"
LOCAL = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS"
LOINC = "http://loinc.org"
GLUCOSE, GLUCOSE_OTHER_METHOD, URINE_GLUCOSE = "3D010000002327101", "3D010000002226201", "3D010000000127101"


def coding(system: str, code: str) -> dict[str, str]:
    """Return a Coding."""
    return {"system": system, "code": code}


def a_result(
    *codings: tuple[str, str],
    value: object = "100",
    unit: str = "mg/dL",
    when: str = "2024-05-01",
    custodian: int = 1,
    text: str = "血糖",
    **fields: Any,
) -> Item:
    """Return a laboratory result."""
    body = {
        "resourceType": "Observation",
        "code": {"coding": [coding(*one) for one in codings], "text": text},
        "valueQuantity": {"value": value, "unit": unit},
        **fields,
    }
    return Item(kind="laboratory", title=text, when=when, type="Observation", custodian=custodian, body=body)
