"""Papers: what a 診療情報提供書 and a 退院時サマリー have in common, and their FHIR document Bundle.

A document stands on its own: it carries its Patient, its authors and every resource its sections name, under
`urn:uuid:` of its own. https://hl7.org/fhir/R4/documents.html
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.demo.accounts import Account, practitioner
from app.demo.chart import Chart, Entry, instant
from app.demo.patients import patient
from app.demo.problems import condition, onset
from app.demo.sites import Site, organization
from app.demo.terms import BUNDLE, CLINS, COMMON, ECS, Json, coding, identifier

VERSION = "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber"

_ECS = ("Patient", "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest")
_PROFILES = {kind: f"JP_{kind}_eCS" for kind in (*_ECS, "Practitioner", "Organization", "Procedure")}
_PROFILES |= {"Observation": "JP_Observation_LabResult_eCS", "DocumentReference": "JP_DocumentReference_eCS"}


@dataclass(frozen=True, slots=True)
class Paper:
    """A document before it is bundled."""

    slug: str
    """Tells it from the patient's other documents: `referral`."""
    title: str
    type_code: str
    """Of doc-typecodes."""
    category: tuple[str, str]
    """Code and display of doc-subtypecodes."""
    composition: str
    """The profile of its Composition, and of its Bundle with the type in between."""
    bundle: str
    day: date
    author: Account
    encounter: Entry
    event: Json
    sections: list[Json]
    entries: list[Entry]
    """Everything the sections name, besides Patient, Encounter, the author and the site."""


def staff(chart: Chart, account: Account, site: Site) -> Entry:
    """Return the Practitioner of a document's author or addressee."""
    return chart.urn("document practitioner", account.user), practitioner(account, site)


def place(chart: Chart, site: Site) -> Entry:
    """Return the Organization of a document's author or addressee."""
    return chart.urn("document organization", site.slug), organization(site)


def known_problems(chart: Chart, day: date) -> list[Entry]:
    """Return the Conditions that had begun by a day, without those that are flagged or labelled."""
    return [
        condition(chart, problem)
        for problem in chart.story.problems
        if onset(chart, problem) <= day and not problem.tags and not problem.labels
    ]


def names(entries: list[Entry], key: str = "code") -> str:
    """Return the texts of resources in one line, or なし."""
    return "、".join(resource[key]["text"] for _, resource in entries) or "なし"


def bundle(chart: Chart, paper: Paper) -> Json:
    """Return the document Bundle of a paper: the Composition first, then the Patient."""
    stamp = instant(paper.day, 17)
    author, custodian = staff(chart, paper.author, chart.site), place(chart, chart.site)
    body = [patient(chart), paper.encounter, author, custodian, *paper.entries]
    composition = _composition(chart, paper, stamp, author[0], custodian[0])
    entries = [(chart.urn(paper.slug), composition), *((url, _stamped(found, stamp)) for url, found in body)]
    own = {url: chart.urn(paper.slug, url) for url, _ in entries}
    number = f"{paper.slug}-{chart.patient.number}-{paper.day:%Y%m%d}"
    value = f"{chart.site.institution}^{paper.day.year}^{number}"
    return {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": stamp, "profile": [f"{CLINS}/StructureDefinition/{paper.bundle}"]},
        "language": "ja",
        "identifier": identifier(BUNDLE, value),
        "type": "document",
        "timestamp": stamp,
        "entry": [{"fullUrl": own[url], "resource": _renamed(resource, own)} for url, resource in entries],
    }


def _composition(chart: Chart, paper: Paper, stamp: str, author: str, custodian: str) -> Json:
    number = chart.draw("document number", paper.slug).randrange(10_000_000, 99_999_999)
    found = chart.resource("Composition")
    instance = f"{chart.site.institution}-{paper.day.year}-{number}"
    category = coding(f"{COMMON}/doc-subtypecodes", *paper.category)
    return found | {
        "meta": {"lastUpdated": stamp, "profile": [paper.composition]},
        "extension": [{"url": VERSION, "valueString": "1.0"}],
        "identifier": identifier(found["identifier"][0]["system"], instance),
        "status": "final",
        "type": {"coding": [coding(f"{COMMON}/doc-typecodes", paper.type_code, paper.title)]},
        "category": [{"coding": [category]}],
        "subject": chart.subject,
        "encounter": {"reference": paper.encounter[0], "type": "Encounter"},
        "date": stamp,
        "author": [
            {"reference": author, "type": "Practitioner"},
            {"reference": custodian, "type": "Organization"},
        ],
        "title": paper.title,
        "custodian": {"reference": custodian, "type": "Organization"},
        "event": [paper.event],
        "section": paper.sections,
    }


def _stamped(resource: Json, stamp: str) -> Json:
    kind = resource["resourceType"]
    profile = f"{ECS}/StructureDefinition/{_PROFILES[kind]}"
    found = resource | {"meta": resource.get("meta", {}) | {"lastUpdated": stamp, "profile": [profile]}}
    if kind == "Observation":
        # JP_Observation_LabResult_eCS allows one category, that of JP Core, which is written first.
        found["category"] = found["category"][:1]
    return found


def _renamed(found: Any, own: dict[str, str]) -> Any:
    """Return a copy in which every fullUrl of the record is the document's own."""
    if isinstance(found, dict):
        return {key: _renamed(value, own) for key, value in found.items()}
    if isinstance(found, list):
        return [_renamed(value, own) for value in found]
    return own.get(found, found) if isinstance(found, str) else found
