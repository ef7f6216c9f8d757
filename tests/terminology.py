"""A small terminology made for tests: a tree of diseases in Japanese, value sets of it, and a map."""

from typing import Any

DISEASE = "http://example.org/CodeSystem/disease"
OLD = "http://example.org/CodeSystem/old"
ALL = "http://example.org/ValueSet/all"
DIABETES = "http://example.org/ValueSet/diabetes"
MAP = "http://example.org/ConceptMap/old-to-new"

_DISEASES: list[dict[str, Any]] = [
    {
        "code": "E1",
        "display": "糖尿病",
        "definition": "血糖が高い状態",
        "property": [{"code": "notSelectable", "valueBoolean": True}],
        "designation": [{"language": "en", "value": "Diabetes mellitus"}],
        "concept": [
            {
                "code": "E11",
                "display": "２型糖尿病",
                "designation": [
                    {"language": "en", "value": "Type 2 diabetes mellitus"},
                    {"use": {"system": "urn:uses", "code": "kana"}, "value": "ニガタトウニョウビョウ"},
                ],
                "property": [{"code": "kind", "valueString": "common"}],
                "concept": [{"code": "E11.2", "display": "糖尿病性腎症"}],
            },
            {"code": "E10", "display": "１型糖尿病", "property": [{"code": "kind", "valueString": "rare"}]},
        ],
    },
    {"code": "N18", "display": "慢性腎臓病"},
    {"code": "X9", "display": "旧病名", "property": [{"code": "status", "valueCode": "retired"}]},
    {"code": "N08", "display": "腎症", "property": [{"code": "parent", "valueCode": "N18"}]},
]


def a_code_system(url: str = DISEASE, **fields: Any) -> dict[str, Any]:
    """Return a CodeSystem: the diseases, unless other concepts are given."""
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "version": "2024",
        "name": "Disease",
        "title": "病名",
        "status": "active",
        "content": "complete",
        "language": "ja",
        "valueSet": ALL,
        "property": [{"code": "kind", "type": "string"}, {"code": "status", "type": "code"}],
        "concept": _DISEASES,
        **fields,
    }


def a_value_set(
    url: str, *include: dict[str, Any], exclude: list[dict[str, Any]] | None = None, **fields: Any
) -> dict[str, Any]:
    """Return a ValueSet of what it includes and excludes."""
    compose = {"include": list(include), **({"exclude": exclude} if exclude else {})}
    return {"resourceType": "ValueSet", "url": url, "version": "1", "status": "active", "compose": compose, **fields}


def a_filter(name: str, operation: str, value: str, system: str = DISEASE) -> dict[str, Any]:
    """Return an include of the concepts of a system that have a property."""
    return {"system": system, "filter": [{"property": name, "op": operation, "value": value}]}


def a_concept_map(url: str = MAP, **fields: Any) -> dict[str, Any]:
    """Return a ConceptMap from old codes to diseases."""
    element = [
        {"code": "250", "display": "糖尿病", "target": [{"code": "E11", "equivalence": "narrower"}]},
        {
            "code": "582",
            "target": [
                {"code": "N08", "equivalence": "equivalent", "display": "腎症"},
                {"code": "N18", "equivalence": "wider"},
            ],
        },
        {"code": "999", "target": [{"equivalence": "unmatched"}]},
    ]
    return {
        "resourceType": "ConceptMap",
        "url": url,
        "version": "1",
        "status": "active",
        "group": [{"source": OLD, "target": DISEASE, "element": element}],
        **fields,
    }


PACKAGE = (
    a_code_system(),
    a_value_set(ALL, {"system": DISEASE}),
    a_value_set(DIABETES, a_filter("concept", "is-a", "E1")),
    a_concept_map(),
)
"""What a package of it holds."""


def parameters(**values: Any) -> dict[str, Any]:
    """Return Parameters; the type of a value follows from its form."""
    return {"resourceType": "Parameters", "parameter": [{"name": name, **_typed(one)} for name, one in values.items()]}


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, str):
        return {"valueUri" if "://" in value else "valueString": value}
    if "resourceType" in value:
        return {"resource": value}
    if "part" in value:
        return {"part": value["part"]}
    return {"valueCodeableConcept" if "coding" in value else "valueCoding": value}


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the values of Parameters by their names; parts as dicts, and what comes again as lists."""
    assert answer["resourceType"] == "Parameters", answer
    return _named(answer["parameter"])


def _named(members: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for one in members:
        value = _named(one["part"]) if "part" in one else next(v for k, v in one.items() if k.startswith("value"))
        found.setdefault(one["name"], []).append(value)
    return {
        name: values if name in ("match", "property", "designation", "product") else values[0]
        for name, values in found.items()
    }


def codes(expanded: dict[str, Any]) -> list[str]:
    """Return the codes of an expansion, in its order."""
    return [one["code"] for one in expanded["expansion"].get("contains", [])]
