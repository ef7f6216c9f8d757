"""Profiles of the published packages: their examples follow them as the publishers meant, and no longer when broken.

The IHE and IPS packages bring the report of their publisher's own validation (`validation-oo.json`): it names no error
in an example. The one example that breaks its profile here is published to do so, and named `ErrorExample`.
"""

import copy
import json
import tarfile
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load
from fhir.profiles.compiling import only_compiled
from fhir.profiles.conformance import conformance
from fhir.profiles.definitions import Definition, Definitions
from fhir.profiles.structure import check
from tests.spec_data import SPEC_DATA
from tests.world import World

PACKAGES = {
    "ihe/ihe.iti.balp.tgz": 58,
    "ihe/ihe.iti.mhd.tgz": 62,
    "ihe/ihe.iti.pdqm.tgz": 19,
    "ihe/ihe.iti.pixm.tgz": 23,
    "fhir/hl7.fhir.uv.ips-1.1.0.tgz": 40,
    "jp/packages/jp-clins.r4-1.5.2-snap.tgz": 2,
    "jp/packages/jp-core.r4-1.1.2-url.tgz": 48,
}
"""Package to the number of its examples."""

MEANT_TO_FAIL = {
    "MedicationRequest-ErrorExample-JP-MedReq-ExtEye-Total1.json": (
        "invariant",
        "MedicationRequest",
        "needs-anyOfStandardCode-medication",
    ),
}
"""Examples that are published to show an error: its code, its place, the invariant."""

CONFORMANCE = ("StructureDefinition", "ValueSet", "CodeSystem")
OTHER = (
    *("CapabilityStatement", "ConceptMap", "ImplementationGuide", "NamingSystem", "OperationDefinition"),
    "SearchParameter",
)


def contents(package: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(SPEC_DATA / package) as archive:
        for member in archive:
            if member.name.endswith(".json") and not member.name.startswith(("package/other", "package/openapi")):
                yield member.name, archive.extractfile(member).read()


@cache
def published() -> tuple[Definitions, dict[str, dict[str, dict[str, Any]]]]:
    """What the packages define, and their examples by package and file."""
    definitions, examples = [], {}
    for package in PACKAGES:
        examples[package] = {}
        for name, body in contents(package):
            resource = json.loads(body)
            kind = resource.get("resourceType")
            file = name.rpartition("/")[2]
            if kind in CONFORMANCE:
                if "/example/" not in name:
                    made = Definition(kind, resource["url"], resource.get("version", ""), lambda body=body: body)
                    definitions.append(made)
            elif kind and kind not in OTHER:
                examples[package][file] = resource
    return Definitions(definitions), examples


def errors(resource: dict[str, Any]) -> list[tuple[str, str]]:
    definitions, _ = published()
    issues = check(resource, entries=True) or conformance(resource, definitions)
    return [(one.code, one.expression) for one in issues if one.severity == "error"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_examples_of_a_package_follow_its_profiles(package: str) -> None:
    _, examples = published()

    wrong = {file: found for file, one in examples[package].items() if (found := errors(one))}

    assert len(examples[package]) == PACKAGES[package]
    assert wrong == {}


def test_an_example_that_was_checked_needs_nothing_compiled_and_is_found_the_same() -> None:
    definitions, examples = published()
    sound = [one for package in examples.values() for one in package.values() if not check(one, entries=True)]
    before = [conformance(one, definitions) for one in sound]

    with only_compiled():
        again = [conformance(one, definitions) for one in sound]

    assert again == before
    assert len(sound) > 200


@pytest.mark.parametrize("path", sorted((SPEC_DATA / "jp/examples").glob("*.json")), ids=lambda path: path.name)
def test_the_examples_of_jp_clins_are_right_and_wrong_as_they_are_meant(path: Any) -> None:
    definitions, _ = published()

    issues = conformance(json.loads(path.read_text()), definitions)

    wrong = [one for one in issues if one.severity == "error"]
    meant = MEANT_TO_FAIL.get(path.name)
    assert [(one.code, one.expression, one.diagnostics.partition(":")[0]) for one in wrong] == (
        [meant] if meant else []
    )


def test_most_profiles_that_examples_name_are_loaded() -> None:
    definitions, examples = published()
    named = {
        profile
        for package in examples.values()
        for one in package.values()
        for profile in one.get("meta", {}).get("profile", ())
    }

    missing = {one for one in named if definitions.near("StructureDefinition", one) is None}

    assert len(named) == 99
    assert sorted(one for one in missing if not one.startswith("http://hl7.org/fhir/StructureDefinition/")) == []


def example(part: str) -> dict[str, Any]:
    """A copy of the example whose file name is `part`."""
    if (SPEC_DATA / "jp/examples" / part).exists():
        return json.loads((SPEC_DATA / "jp/examples" / part).read_text())
    _, examples = published()
    return copy.deepcopy(next(one for package in examples.values() for file, one in package.items() if file == part))


def change(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set what lies at a path, or remove it when `value` is None."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: Any = resource
    for part in way:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return resource


BALP, MHD = "AuditEvent-ex-auditBasicReadServer.json", "DocumentReference-ex-DocumentReferenceComprehensive.json"
LAB, REFERRAL = "Observation-Example-JP-Obs-LabResult-eCS-K.json", "Bundle-Bundle-CLINS-Referral-Example-01.json"
PRESCRIPTION, PERSON = "MedicationRequest-Example-JP-MedReq-TID-01.json", "Patient-Example-JP-Patient-eCS-MAKINO.json"
SECTION = "entry.0.resource.section.0.code.coding.0.code"

BROKEN: dict[str, tuple[str, str, Any, tuple[str, str]]] = {
    "fixed": (BALP, "action", "C", ("value", "AuditEvent.action")),
    "slice of codes": (BALP, "subtype.0.code", "update", ("required", "AuditEvent.subtype")),
    "slice of agents": (BALP, "agent.0.type.coding.0.code", "x", ("required", "AuditEvent.agent")),
    "cardinality": (MHD, "masterIdentifier", None, ("required", "DocumentReference.masterIdentifier")),
    "cardinality, inside": (
        *(MHD, "content.0.attachment.contentType", None),
        ("required", "DocumentReference.content[0].attachment.contentType"),
    ),
    "target of a reference": (MHD, "subject.reference", "Group/1", ("value", "DocumentReference.subject.reference")),
    "invariant": (PERSON, "identifier", None, ("invariant", "Patient")),
    "cardinality of a choice": (LAB, "effectiveDateTime", None, ("required", "Observation.effective")),
    "profile of a type": (
        *(PRESCRIPTION, "medicationCodeableConcept", {"text": "x"}),
        ("required", "MedicationRequest.medicationCodeableConcept.coding"),
    ),
    "pattern": (PRESCRIPTION, "intent", "plan", ("value", "MedicationRequest.intent")),
    "required binding": (
        *(REFERRAL, SECTION, "x"),
        ("code-invalid", "Bundle.entry[0].resource.section[0].code.coding[0]"),
    ),
    "slice of sections": (REFERRAL, SECTION, "x", ("required", "Bundle.entry[0].resource.section")),
    "slice of entries by profile": (REFERRAL, "entry.1", None, ("required", "Bundle.entry")),
}
"""A kind of rule: an example, a path and what comes there (None: nothing), and what must be found."""


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_example_is_found(kind: str) -> None:
    file, path, value, expected = BROKEN[kind]
    good = example(file)

    before = errors(good)
    broken = errors(change(good, path, value))

    assert before == []
    assert expected in broken


SUMMARY = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("resourceType", "Bundle", []),
        ("type", "collection", [("value", "Bundle.type")]),
        (SECTION, "1", [("required", "Bundle.entry")]),
        ("entry.1", None, [("required", "Bundle.entry")]),
    ],
    ids=["as published", "of another type", "without a required section", "without the patient"],
)
@pytest.mark.parametrize(
    "file",
    [
        "Bundle-IPS-examples-Bundle-01.json",
        "Bundle-bundle-no-info-required-sections.json",
        "Bundle-bundle-minimal.json",
    ],
)
def test_a_patient_summary(file: str, path: str, value: Any, expected: list[tuple[str, str]]) -> None:
    definitions, _ = published()

    issues = conformance(change(example(file), path, value), definitions, [SUMMARY])

    assert [(one.code, one.expression) for one in issues if one.severity == "error"] == expected


@pytest.mark.anyio
async def test_all_packages_are_loaded_and_little_is_read_of_them(world: World) -> None:
    for package in PACKAGES:
        await load(world.hub, read_package(SPEC_DATA / package), user_name="tester")
    hospital = await world.client("hospital-a")
    asked = json.dumps({**example(PRESCRIPTION), "subject": {"display": "x"}})

    headers = {**hospital, "Content-Type": "application/fhir+json"}
    answer = await world.http.post("/fhir/MedicationRequest/$validate", headers=headers, content=asked)

    assert [one["code"] for one in answer.json()["issue"] if one["severity"] == "error"] == []
    definitions = await world.hub.packages.current()
    compiled = [key for key in definitions.kept if key[0] == "checker"]
    known = list(definitions._exact.values())
    assert len(known) > 600
    assert len(compiled) < 60
    assert sum(len(one.read.args[0]) for one in known) < 8_000_000
