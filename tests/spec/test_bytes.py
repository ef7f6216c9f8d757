"""Every published example is read, spliced and given back; data: jp/examples, fhir/r4-examples."""

import json
import os
import pathlib

import pytest

from fhir.links import references
from fhir.members import members
from fhir.resource import parse
from fhir.splice import splice
from fhir.undo import original

DATA = pathlib.Path(
    os.environ.get("RENKEI_SPEC_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data"
)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the published examples are not on this machine")
EXAMPLES = sorted([*(DATA / "jp/examples").glob("*.json"), *(DATA / "fhir/r4-examples").glob("*.json")])


def reference_values(tree):
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == "reference" and isinstance(value, str):
                yield value
            yield from reference_values(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from reference_values(item)


def test_all_published_examples_are_here():
    assert len(EXAMPLES) == 307


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_spliced_and_given_back(path):
    body = path.read_bytes()
    tree = json.loads(body)
    links = {link: f"Basic/{number}" for number, link in enumerate(sorted(set(reference_values(tree))))}

    made = splice(body, parse(body), id="new", version=2, last_updated="2024-05-01T09:00:00Z", references=links)

    stored = json.loads(made.body)
    assert original(made.body, made.undo) == body
    assert {member.key: json.loads(body[member.start : member.end]) for member in members(body)} == tree
    assert list(references(body)) == list(reference_values(tree))
    assert list(references(made.body)) == [links[link] for link in reference_values(tree)]
    assert (stored["id"], stored["meta"]["versionId"]) == ("new", "2")
    assert stored["meta"] == tree.get("meta", {}) | {"versionId": "2", "lastUpdated": "2024-05-01T09:00:00Z"}
