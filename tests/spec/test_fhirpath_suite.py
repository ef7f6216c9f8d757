"""How much of the published FHIRPath suite the engine of profiles' invariants passes; docs/profiles.md says the same.

Asked is what needs no input, or one that lies in the examples.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from fhir.profiles.constraints import engine
from tests.spec_data import SPEC_DATA

PAGE = Path(__file__).resolve().parents[2] / "docs" / "profiles.md"


def inputs() -> dict[str | None, Any]:
    patient = json.loads((SPEC_DATA / "fhir/r4-examples/patient-example.json").read_text())
    return {None: patient, "patient-example.xml": patient}


def as_text(value: Any) -> str:
    """A result as the suite writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return re.sub(r"^@T?", "", str(value))


def same(value: Any, kind: str, wanted: str) -> bool:
    if kind in ("decimal", "integer"):
        return not isinstance(value, bool) and as_text(float(value)) == as_text(float(wanted))
    return as_text(value) == re.sub(r"^@T?", "", wanted)


def passes(test: ET.Element, resource: Any) -> bool:
    expression = test.find("expression")
    outputs = [(one.get("type", ""), one.text or "") for one in test.findall("output")]
    variables = {"resource": resource, "rootResource": resource, "context": resource}
    try:
        found = engine()(resource, expression.text, variables)
        if expression.get("invalid"):
            return False
        if test.get("predicate") == "true":
            found = [bool(found) if len(found) != 1 or not isinstance(found[0], bool) else found[0]]
        return len(found) == len(outputs) and all(
            same(one, kind, wanted) for one, (kind, wanted) in zip(found, outputs, strict=True)
        )
    except Exception:
        # What the engine cannot do is what is counted here.
        return bool(expression.get("invalid"))


def test_the_engine_passes_as_much_of_the_suite_as_the_page_says() -> None:
    given = inputs()
    suite = list(ET.parse(SPEC_DATA / "fhir/tests/tests-fhir-r4.xml").iter("test"))  # noqa: S314
    asked = [one for one in suite if one.get("inputfile") in given]

    passed = sum(passes(one, given[one.get("inputfile")]) for one in asked)

    assert f"{passed} of {len(asked)}" in PAGE.read_text()
