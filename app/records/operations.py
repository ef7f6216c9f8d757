"""What each operation is: a line for each word with a dollar sign in `INTERACTIONS`; a test compares the two.

The CapabilityStatement and the OpenAPI document are made of it.
https://hl7.org/fhir/R4/operations.html
"""

from typing import NamedTuple

R4 = "http://hl7.org/fhir/OperationDefinition"


class Parameter(NamedTuple):
    """A parameter of an operation: its name, its FHIR type, what it means."""

    name: str
    type: str
    text: str


class Operation(NamedTuple):
    """An operation.

    Attributes:
        definition: The canonical URL of its OperationDefinition; empty when nobody has published one.
        text: What it does, in one sentence.
        parameters: Those that a caller may give, but for a resource in the body.
        types: The resource types that it is asked of; empty for all.
        body: What a POST carries: `Parameters`, `Resource` or nothing.
    """

    definition: str
    text: str
    parameters: tuple[Parameter, ...] = ()
    types: tuple[str, ...] = ()
    body: str = "Parameters"


_INCLUDE_META = Parameter("includeMeta", "boolean", "Whether the meta is compared too.")

_URL = Parameter("url", "uri", "The canonical URL, with `|version` if wanted.")
_CODED = (
    Parameter("code", "code", "The code."),
    Parameter("system", "uri", "Its code system."),
    Parameter("display", "string", "A display that is to be checked too."),
)

OPERATIONS: dict[str, Operation] = {
    "async-status": Operation(
        "", "How far a request is that is answered later, or its answer; by DELETE its end.", body=""
    ),
    "convert": Operation(
        f"{R4}/Resource-convert",
        "The same resource in the format that is accepted; nothing is stored.",
        body="Resource",
    ),
    "convert-manifest": Operation(
        "",
        "A manifest of images in its other form: of a DICOM Key Object Selection a document Bundle, and back.",
        types=("ImagingStudy",),
        body="Resource",
    ),
    "diff": Operation(
        "",
        "What changed between two versions, or what differs between two resources, as a FHIRPath Patch.",
        (
            Parameter(
                "fromVersion", "string", "Of an instance: the version to compare with; the one before, unless said."
            ),
            Parameter("from", "uri", "At the base: the first resource, `Patient/1` or `Patient/1/_history/2`."),
            Parameter("to", "uri", "At the base: the second resource."),
            _INCLUDE_META,
        ),
    ),
    "document": Operation(
        f"{R4}/Composition-document",
        "A document Bundle of a Composition and what it refers to, as far as the caller may see it.",
        (
            Parameter("id", "uri", "Which Composition, at the type: its id, or its address on this server."),
            Parameter("persist", "boolean", "Whether the document is stored as well; by POST."),
        ),
        ("Composition",),
    ),
    "everything": Operation(
        f"{R4}/Patient-everything",
        "All that the caller may see of the person who has this Patient, over all sites, as a stream.",
        (
            Parameter("_since", "instant", "Only what was changed then or later."),
            Parameter("_type", "code", "Only these types, parted by commas."),
            Parameter("_count", "integer", "Pages of so many resources."),
            Parameter("start", "date", "Only care from this date on."),
            Parameter("end", "date", "Only care up to this date."),
        ),
        ("Patient",),
    ),
    "expand": Operation(
        f"{R4}/ValueSet-expand",
        "The codes of a value set.",
        (
            _URL,
            Parameter("filter", "string", "Words that must all be in the code, the display or a designation."),
            Parameter("count", "integer", "At most so many codes."),
            Parameter("offset", "integer", "After so many codes."),
            Parameter("activeOnly", "boolean", "Without codes that are not in use any more."),
            Parameter("displayLanguage", "code", "The language of the displays, where there is one."),
            Parameter("includeDesignations", "boolean", "With all designations."),
        ),
        ("ValueSet",),
    ),
    "explain": Operation(
        "",
        "Why somebody may, or may not, see a resource; for the secretariat, auditors and the heads of sites.",
        (
            Parameter("organization", "string", "Slug or id of the organisation of who would see."),
            Parameter("account", "string", "The name of a person's account."),
            Parameter("role", "code", "The role; unless said, the account's, or that of a system."),
            Parameter("purpose", "code", "The purpose of use; unless said, that of the role."),
            Parameter("at", "instant", "As of an earlier instant."),
        ),
    ),
    "export": Operation(
        "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
        "Begin an export of all that a system may see, as NDJSON files; needs `Prefer: respond-async`.",
        (
            Parameter("_type", "code", "Only these types, parted by commas."),
            Parameter("_since", "instant", "Only what was changed then or later."),
            Parameter(
                "_typeFilter", "string", "A search that resources of a type must fulfil: `Observation?status=final`."
            ),
            Parameter("_elements", "string", "Only these elements and the required ones."),
            Parameter("_outputFormat", "string", "`application/fhir+ndjson`."),
            Parameter("patient", "Reference", "Only these persons; of patients and groups."),
            Parameter("organizeOutputBy", "string", "`Patient`: one block of each file for each Patient."),
        ),
        ("Patient", "Group"),
    ),
    "export-file": Operation("", "A file of an export, read anew under the rights of this moment.", body=""),
    "export-status": Operation("", "How far an export is; by DELETE its end.", body=""),
    "expunge": Operation(
        "",
        "Remove a deleted resource, or earlier versions, for good; for the secretariat alone.",
        (
            Parameter("expungeDeletedResources", "boolean", "Remove the deleted resource with all its versions."),
            Parameter("expungePreviousVersions", "boolean", "Remove the versions before the current one."),
        ),
    ),
    "graphql": Operation(
        f"{R4}/Resource-graphql",
        "Answer a GraphQL query about a resource or, at the base, about all that the caller may see.",
        (
            Parameter("query", "string", "The query."),
            Parameter("variables", "string", "Its variables, as JSON."),
            Parameter("operationName", "string", "Which of its operations is meant."),
        ),
        body="",
    ),
    "ihe-pix": Operation(
        "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
        "The other identifiers and Patients of the person who has an identifier (ITI-83).",
        (
            Parameter(
                "sourceIdentifier", "string", "The identifier, as `system|value`; `[base]|Patient/[id]` for an id."
            ),
            Parameter("targetSystem", "string", "Only identifiers of this system; may be there several times."),
        ),
        ("Patient",),
    ),
    "import": Operation(
        "", "Begin an import of NDJSON files from the hub's own folder into a site's custody; for operators alone."
    ),
    "import-file": Operation("", "What became of the lines of a file that were not taken.", body=""),
    "import-status": Operation("", "How far an import is; by DELETE its end.", body=""),
    "lastn": Operation(
        f"{R4}/Observation-lastn",
        "The last Observations of each kind of one person, among those that a search finds.",
        (
            Parameter("patient", "reference", "The person; it or `subject` is needed."),
            Parameter("subject", "reference", "The person."),
            Parameter("max", "positiveInt", "How many of each kind; one, unless said."),
            Parameter("category", "token", "Any search parameter of Observation narrows it, as this one does."),
        ),
        ("Observation",),
    ),
    "lookup": Operation(
        f"{R4}/CodeSystem-lookup",
        "What is known of a code.",
        (
            *_CODED[:2],
            Parameter("version", "string", "The version of the code system."),
            Parameter("property", "code", "Only this property."),
        ),
        ("CodeSystem",),
    ),
    "generate-metadata": Operation(
        "https://profiles.ihe.net/ITI/MHD/OperationDefinition/generate-metadata",
        "File a document, a Binary or a document Bundle, with the metadata that it says of itself (ITI-106).",
        (Parameter("document", "Resource", "The document."),),
        ("DocumentReference",),
    ),
    "manifest": Operation(
        "",
        "The manifest of a study's images (IHE MADO): what there is, and from where it is retrieved.",
        (
            Parameter("form", "code", "`fhir` for a document Bundle, `kos` for a DICOM Key Object Selection."),
            Parameter("persist", "code", "By POST: `on-demand` or `snapshot` makes both forms known as documents."),
        ),
        ("ImagingStudy",),
    ),
    "match": Operation(
        "https://profiles.ihe.net/ITI/PDQm/OperationDefinition/PDQmMatch",
        "The Patients that may be the one that is described, with how sure that is (ITI-119).",
        (
            Parameter("onlyCertainMatches", "boolean", "Whether only what is certain, and of one person, is answered."),
            Parameter("count", "integer", "At most so many Patients."),
        ),
        ("Patient",),
    ),
    "meta": Operation(f"{R4}/Resource-meta", "Profiles, tags and labels of a resource, or those in use."),
    "meta-add": Operation(
        f"{R4}/Resource-meta-add",
        "Add profiles, tags and labels; a new version.",
        (Parameter("meta", "Meta", "What is to be added."),),
    ),
    "meta-delete": Operation(
        f"{R4}/Resource-meta-delete",
        "Take profiles and tags away; a new version. Labels stay.",
        (Parameter("meta", "Meta", "What is to be taken away."),),
    ),
    "original": Operation("", "The body as its sender wrote it, byte for byte, with `Repr-Digest`.", body=""),
    "process-message": Operation(
        f"{R4}/MessageHeader-process-message",
        "Carry out a message: a feed of Patients (IHE PMIR, ITI-93), as a whole or not at all.",
        body="Resource",
    ),
    "signatures": Operation(
        "",
        "What the electronic signatures of a resource, of what it holds, and of others under it, were found to be.",
        body="",
    ),
    "status": Operation(
        "",
        "Whether a search parameter of the hub's own can be asked for, and how far its index is.",
        types=("SearchParameter",),
        body="",
    ),
    "subsumes": Operation(
        f"{R4}/CodeSystem-subsumes",
        "Whether one code means the other as well.",
        (
            Parameter("codeA", "code", "The first code."),
            Parameter("codeB", "code", "The second code."),
            _CODED[1],
            Parameter("version", "string", "The version of the code system."),
        ),
        ("CodeSystem",),
    ),
    "summary": Operation(
        "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
        "The International Patient Summary of what the caller may see of a person, over all sites, as a document.",
        (
            Parameter("identifier", "string", "Whose, as `system|value`; at the type, in place of an id."),
            Parameter("profile", "canonical", "That of IPS for the Bundle or the Composition."),
            Parameter("_language", "code", "`ja` or `en`; unless said, what `Accept-Language` likes best."),
            Parameter(
                "persist",
                "code",
                "By POST: `snapshot` keeps what is in the own custody, `on-demand` makes a summary known that is made "
                "when it is retrieved.",
            ),
        ),
        ("Patient",),
    ),
    "translate": Operation(
        f"{R4}/ConceptMap-translate",
        "What a code is called in other code systems.",
        (
            _URL,
            *_CODED[:2],
            Parameter("targetsystem", "uri", "The code system that is wanted."),
            Parameter("reverse", "boolean", "Whether maps are read from their other end."),
        ),
        ("ConceptMap",),
    ),
    "validate": Operation(
        f"{R4}/Resource-validate",
        "What is wrong with a resource, by R4 and by profiles; nothing is stored.",
        (
            Parameter("mode", "code", "`create`, `update`, `delete` or `profile`: what the caller has in mind."),
            Parameter("profile", "canonical", "A profile to check by, besides those that the resource names."),
        ),
        body="Resource",
    ),
    "validate-code": Operation(
        f"{R4}/ValueSet-validate-code",
        "Whether a code is in a value set or a code system.",
        (_URL, *_CODED, Parameter("abstract", "boolean", "Whether an abstract code will do.")),
        ("CodeSystem", "ValueSet"),
    ),
}
"""By its name without the dollar sign."""


def named_in(form: str) -> str:
    """Return the name of the operation in the form of a path, empty when there is none."""
    return next((word[1:] for word in form.split("/") if word[:1] == "$"), "")


def described(name: str) -> Operation:
    """Return what an operation is; of one without a line here only that it exists."""
    return OPERATIONS.get(name, Operation("", ""))


def definition(address: str, name: str) -> str:
    """Return the canonical URL of an operation: the published one, or where the hub's own page tells of it."""
    return described(name).definition or f"{address}/fhir/api#operation-{name}"
