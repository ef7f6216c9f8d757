"""Documents for tests: a Bundle of a head, a Patient and what it states; links are fresh in each send."""

import copy
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from fhir.documents.edition import VERSION_NUMBER
from fhir.documents.identity import INSTANCE
from fhir.documents.kind import BUNDLE_IDENTIFIER
from tests.world import World, a_patient

NUMBER = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "4711"}
CODES = "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes"
PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


def a_key(number: str) -> dict[str, str]:
    """Return a Bundle.identifier of JP-CLINS."""
    return {"system": BUNDLE_IDENTIFIER, "value": f"0110000001^2024^{number}"}


def of_number(number: str, **fields: Any) -> dict[str, Any]:
    """Return the members of a resource that its sender calls by a number."""
    return {"identifier": [{"system": INSTANCE, "value": number}], **fields}


def a_disease(name: str, number: str = "", **fields: Any) -> dict[str, Any]:
    """Return a Condition."""
    known = of_number(number) if number else {}
    return {"resourceType": "Condition", **known, "code": {"text": name}, **fields}


def a_result(code: str, value: str, number: str = "", **fields: Any) -> dict[str, Any]:
    """Return an Observation."""
    known = of_number(number) if number else {}
    coding = {"coding": [{"system": "http://loinc.org", "code": code}]}
    return {"resourceType": "Observation", "status": "final", **known, "code": coding, "valueString": value, **fields}


def a_document(
    *stated: Mapping[str, Any],
    key: str = "1",
    version: str = "",
    made: str = "2024-05-01T09:00:00+09:00",
    patient: Mapping[str, Any] | None = None,
    **head: Any,
) -> dict[str, Any]:
    """Return a referral that states these facts, each in a section of its own."""
    resources: list[dict[str, Any]] = [copy.deepcopy(dict(one)) for one in (patient or a_person(), *stated)]
    links = [f"urn:uuid:{uuid.uuid4()}" for _ in range(len(resources) + 1)]
    for one in resources[1:]:
        about = "patient" if one["resourceType"] == "AllergyIntolerance" else "subject"
        one.setdefault(about, {"reference": links[1]})
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": CODES, "code": "57133-1"}]},
        "subject": {"reference": links[1]},
        "date": made,
        "author": [{"display": "港診療所"}],
        "title": "診療情報提供書",
        "section": [{"title": "所見", "entry": [{"reference": link}]} for link in links[2:]],
        **({"extension": [{"url": VERSION_NUMBER, "valueString": version}]} if version else {}),
        **head,
    }
    return _bundle("document", [composition, *resources], links, key, made)


def a_collection(
    *stated: Mapping[str, Any], key: str = "1", made: str = "2024-05-01T09:00:00+09:00", **fields: Any
) -> dict[str, Any]:
    """Return the information items of JP-CLINS: a Patient and resources about it."""
    resources = [a_person(), *(copy.deepcopy(dict(one)) for one in stated)]
    links = [f"urn:uuid:{uuid.uuid4()}" for _ in resources]
    for one in resources[1:]:
        one.setdefault("subject", {"reference": links[0]})
    return _bundle("collection", resources, links, key, made) | fields


def a_person(**fields: Any) -> dict[str, Any]:
    """Return the Patient of these documents."""
    return a_patient(**({"identifier": [NUMBER]} | fields))


def _bundle(
    kind: str, resources: Sequence[Mapping[str, Any]], links: Sequence[str], key: str, made: str
) -> dict[str, Any]:
    entries = [{"fullUrl": link, "resource": one} for link, one in zip(links, resources, strict=True)]
    return {"resourceType": "Bundle", "identifier": a_key(key), "type": kind, "timestamp": made, "entry": entries}


async def send(world: World, site: Mapping[str, str], bundle: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Post a document and return status and body of the answer."""
    response = await world.http.post("/fhir/Bundle", headers=dict(site), json=bundle)
    return response.status_code, response.json()


async def found(world: World, site: Mapping[str, str], query: str) -> list[dict[str, Any]]:
    """Return the resources that a search finds."""
    response = await world.http.get(f"/fhir/{query}", headers=dict(site))
    assert response.status_code == 200, response.text
    return [one["resource"] for one in response.json().get("entry", ())]


async def diseases(world: World, site: Mapping[str, str]) -> list[str]:
    """Return the names of all Conditions, in their order."""
    return sorted(one["code"]["text"] for one in await found(world, site, "Condition?_count=100"))
