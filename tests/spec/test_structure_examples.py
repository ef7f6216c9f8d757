"""The published examples are valid, but for those that are known not to be."""

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from fhir.profiles.structure import check

DATA = Path(os.environ.get("RENKEI_SPEC_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")
R4, JP = DATA / "fhir/r4-examples", DATA / "jp/examples"

INVALID = {
    "devicemetric-example.json": (
        "value",
        "DeviceMetric.parent.reference",
    ),  # a DeviceDefinition, not a Device
    "deviceusestatement-example.json": (
        "value",
        "DeviceUseStatement.reasonReference[0].reference",
    ),  # a Procedure
    "episodeofcare-questionnaire.json": ("required", "Questionnaire.item[0].item[0].linkId"),
    "eventdefinition-example.json": ("value", "EventDefinition.text.div"),  # no text in it (txt-2)
    "medicationadministration-questionnaire.json": ("required", "Questionnaire.item[0].item[0].linkId"),
    "observation-example-clinical-gender.json": (
        "value",
        "Observation.performer[0].reference",
    ),  # an Encounter
    "provenance-relevant-history-questionnaire.json": ("required", "Questionnaire.item[0].item[0].linkId"),
}
"""File to code and path of its first issue."""


def load(path, **options):
    return json.loads(path.read_text(encoding="utf-8"), **options)


def test_the_examples_are_there():
    assert len(list(R4.glob("*.json"))) == 296
    assert len(list(JP.glob("*.json"))) == 11


@pytest.mark.parametrize("path", sorted([*R4.glob("*.json"), *JP.glob("*.json")]), ids=lambda path: path.name)
def test_an_example_is_valid_unless_known_otherwise(path):
    issues = check(load(path), entries=True)

    first = (issues[0].code, issues[0].expression) if issues else None
    assert first == INVALID.get(path.name)


@pytest.mark.parametrize("path", sorted(R4.glob("o*.json")), ids=lambda path: path.name)
def test_decimals_may_be_read_without_loss(path):
    assert check(load(path, parse_float=Decimal)) == check(load(path))
