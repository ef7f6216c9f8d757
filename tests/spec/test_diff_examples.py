"""`$diff` between the published examples: valid Parameters, whatever the types of their elements."""

from itertools import pairwise
from pathlib import Path

import pytest

from fhir.exact import read, write
from fhir.operations.diff import diff
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.subset import Subset
from fhir.subset import part as part_of
from tests.spec_data import SPEC_DATA

R4 = SPEC_DATA / "fhir/r4-examples"


def by_type() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(R4.glob("*.json")):
        found.setdefault(parse(path.read_bytes())["resourceType"], []).append(path)
    return found


EXAMPLES = by_type()


@pytest.mark.parametrize("type_name", EXAMPLES)
def test_the_difference_of_two_examples_is_a_valid_parameters_resource(type_name: str) -> None:
    bare = {"resourceType": type_name}
    trees = [bare, *(read(path.read_bytes()) for path in EXAMPLES[type_name]), bare]

    for old, new in pairwise(trees):
        operations = diff(old, new, with_meta=True)
        answer = {"resourceType": "Parameters", **({"parameter": operations} if operations else {})}
        body = write(answer)
        broken = [issue for issue in check(parse(body)) if issue.severity in ("error", "fatal")]
        # A reference to a contained resource points into the resource that is made, not into the patch.
        assert [issue for issue in broken if not issue.diagnostics.startswith("ref-1")] == []
    assert diff(trees[1], trees[1], with_meta=True) == []


@pytest.mark.parametrize("type_name", EXAMPLES)
def test_the_required_elements_of_an_example_are_valid_alone(type_name: str) -> None:
    for path in EXAMPLES[type_name]:
        body = path.read_bytes()
        known = {(issue.code, issue.expression) for issue in check(parse(body))}

        part = parse(part_of(body, Subset(elements=("text",))))

        assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
        missing = [one for one in check(part) if one.code == "required" and (one.code, one.expression) not in known]
        assert missing == []
