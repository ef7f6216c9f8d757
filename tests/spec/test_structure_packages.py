"""What IHE, HL7 and JAMI publish in their packages is valid, but for what is known not to be."""

import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from fhir.profiles.structure import check

DATA = Path(os.environ.get("RENKEI_SPEC_DATA") or Path(__file__).resolve().parents[2] / "../shared/data")

# Later than R4 4.0.1: the guide's publisher has its own parameters.
PARAMETER = ("code-invalid", "ImplementationGuide.definition.parameter.code")
PACKAGES = {
    "ihe/ihe.iti.balp.tgz": (96, set()),
    "ihe/ihe.iti.mhd.tgz": (126, set()),
    "ihe/ihe.iti.pdqm.tgz": (34, set()),
    "ihe/ihe.iti.pixm.tgz": (39, set()),
    "fhir/hl7.fhir.uv.ips-1.1.0.tgz": (145, set()),
    # Elements that the author left empty.
    "jp/packages/jp-clins.r4-1.5.2-snap.tgz": (
        320,
        {PARAMETER, ("value", "StructureDefinition.snapshot.element.comment")},
    ),
    "jp/packages/jp-core.r4-1.1.2-url.tgz": (
        229,
        {
            PARAMETER,
            ("value", "StructureDefinition.differential.element.comment"),
            ("value", "StructureDefinition.differential.element.definition"),
            ("value", "StructureDefinition.snapshot.element.comment"),
            ("value", "StructureDefinition.snapshot.element.definition"),
        },
    ),
}
"""Package to its number of resources and what is wrong with some of them."""


def resources(package):
    with tarfile.open(package) as archive:
        for member in archive:
            # The publisher's own report (validation-oo) is no content, and no valid OperationOutcome.
            if not member.name.endswith(".json") or "validation-oo" in member.name:
                continue
            content = json.load(archive.extractfile(member))
            if isinstance(content, dict) and "resourceType" in content:
                yield content


@pytest.mark.parametrize("name", PACKAGES)
def test_a_published_package_is_valid_unless_known_otherwise(name):
    count, known = PACKAGES[name]

    found = [check(resource, entries=True) for resource in resources(DATA / name)]

    defects = {(i.code, re.sub(r"\[\d+\]", "", i.expression)) for issues in found for i in issues}
    assert len(found) == count
    assert defects == known
