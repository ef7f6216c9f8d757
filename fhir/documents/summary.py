"""An International Patient Summary: a document Bundle of what a record holds, and of what it does not.

As IPS 2.0 says: https://hl7.org/fhir/uv/ips/StructureDefinition-Bundle-uv-ips.html; docs/summary.md tells where 1.1
asks for something else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from msgspec import Raw

from fhir.documents.choosing import Chosen
from fhir.documents.composition import Part, composition, parts
from fhir.documents.facts import Held
from fhir.documents.references import Resolved, about, links
from fhir.documents.rows import Terms
from fhir.documents.translating import Translated
from fhir.documents.words import Language
from fhir.exact import write
from fhir.links import rewrite
from fhir.store.labels import codings
from fhir.undo import apply

SUPPORT = frozenset(
    (
        *("Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "Device", "Specimen"),
        "Observation",
    )
)
"""The types that are included because something refers to them; anything else is told by its display alone."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary.

    Attributes:
        body: The Bundle as JSON.
        parts: Its sections in words.
        used: The references, `Condition/1`, of all it draws from: its entries, other statements of the same facts,
            and who says that there is nothing.
        labels: The labels of all that.
    """

    body: bytes
    parts: Sequence[Part]
    used: frozenset[str]
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a summary is made.

    Attributes:
        id: Of the Bundle. All fullUrls follow from it and the references: same input, same document.
        now: When, a dateTime with seconds and zone.
        author: The Organization that makes it.
        language: Of titles, headings and words; the content stays in the senders' languages where no name is known.
        terms: What is known of terminology.
        address: What the hub's own addresses begin with, up to the type.
    """

    id: str
    now: str
    author: Held
    language: Language
    terms: Terms
    address: str


def wanted(held: Iterable[Held], there: Mapping[str, Held], address: str) -> list[str]:
    """Return the links to what is not there yet and belongs into the document of these resources, each once."""
    found = dict.fromkeys(link for one in held for link in links(one.resource, address))
    return [link for link in found if link not in there and link.partition("/")[0] in SUPPORT]


def summary(patient: Held, chosen: Sequence[Chosen], support: Mapping[str, Held], made: Made) -> Summary:
    """Return a patient's summary as a document Bundle.

    Its resources have their stored bytes with rewritten references; one whose reference leads nowhere, or whose codes
    are translated, is written anew with each number as it was sent. Security labels of whatever is drawn from are
    the Bundle's. No profile is claimed: whether the resources meet IPS is up to those who sent them.

    Args:
        patient: The Patient.
        chosen: What stands in the sections. All of it is about the patient, whichever site's Patient it names.
        support: By its link, what these refer to.
        made: How it is made.
    """
    facts = [fact for one in chosen for fact in one.facts]
    entries = {one.link: one for one in (patient, made.author, *(fact.first for fact in facts))}
    _include(entries, support, made.address)
    urls = {link: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{made.id}/{link}')}" for link in entries}
    named = {link for one in entries.values() for link in about(one.resource, made.address)}
    persons = [link for link in named if link.startswith("Patient/")]
    places = dict.fromkeys(persons, urls[patient.link]) | urls
    names = {link: one.resource for link, one in entries.items()}
    told = parts(chosen, names, made.terms, made.language)
    drawn = [*entries.values(), *(held for fact in facts for held in fact.stated)]
    drawn += [held for one in chosen for held in one.nothing]
    first = _head(told, made, patient, urls)
    bundle = {
        "resourceType": "Bundle",
        "id": made.id,
        **_meta(drawn),
        "language": made.language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid5(NAMESPACE_URL, made.id)}"},
        "type": "document",
        "timestamp": made.now,
        "entry": [
            {"fullUrl": f"urn:uuid:{first['id']}", "resource": first},
            *(
                {"fullUrl": urls[link], "resource": _written(one, places, made, is_patient=one is patient)}
                for link, one in entries.items()
            ),
        ],
    }
    used = frozenset(one.link for one in drawn if one is not made.author)
    return Summary(write(bundle), told, used, reduce(or_, (one.labels for one in drawn)))


def _head(told: Sequence[Part], made: Made, patient: Held, urls: Mapping[str, str]) -> dict[str, Any]:
    author = {"reference": urls[made.author.link], "display": made.author.resource["name"]}
    head = composition(told, now=made.now, language=made.language)
    head |= {"subject": {"reference": urls[patient.link]}, "author": [author], "custodian": author}
    tree: dict[str, Any] = Resolved(urls, made.address).tree(head)
    return {"resourceType": "Composition", "id": str(uuid5(NAMESPACE_URL, f"{made.id}/Composition"))} | tree


def _include(entries: dict[str, Held], support: Mapping[str, Held], address: str) -> None:
    """Add what the entries refer to, and what that refers to in turn, as far as it is there."""
    waiting = list(entries.values())
    while waiting:
        for link in links(waiting.pop(0).resource, address):
            if link in support and link not in entries and link.partition("/")[0] in SUPPORT:
                entries[link] = support[link]
                waiting.append(support[link])


def _written(one: Held, places: Mapping[str, str], made: Made, *, is_patient: bool) -> Any:
    """Return an entry's resource: its bytes where only links change, else a tree."""
    translated = Translated(made.terms)
    resolved = Resolved(places, made.address)
    tree = resolved.tree(one.resource if is_patient else translated.tree(one.resource))
    if not one.body or translated.changed or resolved.cut:
        return tree
    return Raw(apply(one.body, rewrite(one.body, resolved.written))[0])


def _meta(drawn: Iterable[Held]) -> dict[str, Any]:
    found: dict[tuple[Any, Any], Any] = {}
    for one in drawn:
        for label in (*one.resource.get("meta", {}).get("security", ()), *codings(one.labels)):
            found.setdefault((label.get("system"), label.get("code")), label)
    return {"meta": {"security": list(found.values())}} if found else {}
