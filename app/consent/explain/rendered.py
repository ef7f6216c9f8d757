"""An explanation as a FHIR Parameters resource."""

from typing import Any

from app.consent.explain.verdict import Explanation


def parameters(record: str, found: Explanation) -> dict[str, Any]:
    """Return what `$explain` answers: whether the record is seen, the rule, the labels, and each provision's word."""
    parameter: list[dict[str, Any]] = [
        {"name": "record", "valueReference": {"reference": record}},
        {"name": "seen", "valueBoolean": found.seen},
        {"name": "rule", "valueCode": found.rule},
    ]
    if found.category:
        parameter.append({"name": "category", "valueCode": found.category})
    parameter += [{"name": "label", "valueCode": label} for label in found.labels if label != "?"]
    parameter += [{"name": "label", "valueString": "unknown"} for label in found.labels if label == "?"]
    for word in found.words:
        parts: list[dict[str, Any]] = [
            {"name": "consent", "valueReference": {"reference": word.consent}},
            {"name": "provision", "valueInteger": word.provision},
            {"name": "effect", "valueCode": word.effect},
            {"name": "state", "valueCode": word.state},
        ]
        parameter.append({"name": "provision", "part": parts})
    return {"resourceType": "Parameters", "parameter": parameter}
