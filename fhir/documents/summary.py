"""An International Patient Summary: a document Bundle of what a record holds, and of what it does not.

https://hl7.org/fhir/uv/ips/STU1.1/StructureDefinition-Bundle-uv-ips.html; empty sections are as in IPS 2.0,
which asks for an emptyReason where 1.1 had a resource that stands for nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from fhir.documents.composition import choose, composition, reference
from fhir.documents.narrative import name
from fhir.documents.sections import Language, Resource
from fhir.links import references, rewrite
from fhir.undo import apply


def summary(
    patient: Resource,
    records: Mapping[str, Sequence[Resource]],
    *,
    id: str,
    now: str,
    author: Resource,
    language: Language = "ja",
) -> dict[str, Any]:
    """Return a patient's summary as a document Bundle.

    Problems, allergies and medications always have a section; others if there is anything for them. What the
    included resources refer to is included if `records` holds it. Security labels of whatever is included are
    the Bundle's. No profile is claimed: whether the resources meet IPS is up to those who sent them.

    Args:
        patient: The Patient, with its id.
        records: By type, everything the summary may draw from: of this patient, and what the caller may see;
            each resource has its id. The narrative shows numbers as they are here, so read them with
            `resource.parse_exact`. `composition` says what a `List` does.
        id: Of the Bundle. All fullUrls follow from it and the references: same input, same document.
        now: When the summary is made, a dateTime with seconds and zone.
        author: The Organization that makes it, with its id.
        language: Of titles and headings; the content stays in the senders' languages.
    """
    chosen = choose(records)
    held = {reference(resource): resource for resources in records.values() for resource in resources}
    roots = [patient, author, *(resource for resources in chosen.values() for resource in resources)]
    included = _closure(roots, held)
    links = {link: f"urn:uuid:{uuid5(NAMESPACE_URL, f'{id}/{link}')}" for link in included}
    names = {link: name(resource, {}) for link, resource in included.items()}
    first = composition(chosen, records.get("List", ()), names, now=now, language=language) | {
        "id": str(uuid5(NAMESPACE_URL, f"{id}/Composition")),
        "subject": {"reference": reference(patient)},
        "author": [{"reference": reference(author)}],
        "custodian": {"reference": reference(author)},
    }
    labels = _labels(included.values())
    return {
        "resourceType": "Bundle",
        "id": id,
        **({"meta": {"security": labels}} if labels else {}),
        "language": language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid5(NAMESPACE_URL, id)}"},
        "type": "document",
        "timestamp": now,
        "entry": [
            {"fullUrl": url, "resource": _rewritten(resource, links)}
            for url, resource in [(f"urn:uuid:{first['id']}", first)]
            + [(links[link], resource) for link, resource in included.items()]
        ],
    }


def body(summary: Mapping[str, Any], stored: Mapping[str, bytes]) -> bytes:
    """Return a summary as JSON in which the resources have their stored bytes, so that 6.30 stays 6.30.

    Args:
        summary: What `summary` returned.
        stored: From a reference, `Observation/1`, to the resource's bytes. One that is missing is written
            from the tree.
    """
    entries = summary["entry"]
    links = {reference(entry["resource"]): entry["fullUrl"] for entry in entries}
    fragments = []
    for entry in entries:
        raw = stored.get(reference(entry["resource"]))
        if raw is None:
            fragments.append(entry)
        else:
            here = {link: links[whole] for link in references(raw) if (whole := _versionless(link)) in links}
            fragments.append(entry | {"resource": orjson.Fragment(apply(raw, rewrite(raw, here))[0])})
    return orjson.dumps({**summary, "entry": fragments}, default=_number)


def _number(value: Any) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(f"no JSON for {type(value)}")
    return orjson.Fragment(str(value))


def _closure(roots: Iterable[Resource], held: Mapping[str, Resource]) -> dict[str, Resource]:
    included = {reference(resource): resource for resource in roots}
    waiting = list(included.values())
    while waiting:
        for link in _links(waiting.pop()):
            if link in held and link not in included:
                included[link] = held[link]
                waiting.append(held[link])
    return included


def _links(tree: Any) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(link := node.get("reference"), str):
                yield _versionless(link)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _rewritten(tree: Any, links: Mapping[str, str]) -> Any:
    if isinstance(tree, list):
        return [_rewritten(item, links) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        key: links.get(_versionless(value), value)
        if key == "reference" and isinstance(value, str)
        else _rewritten(value, links)
        for key, value in tree.items()
    }


def _labels(resources: Iterable[Resource]) -> list[Any]:
    labels: dict[tuple[Any, Any], Any] = {}
    for resource in resources:
        for label in resource.get("meta", {}).get("security", ()):
            labels.setdefault((label.get("system"), label.get("code")), label)
    return list(labels.values())


def _versionless(link: str) -> str:
    return link.partition("/_history/")[0]
