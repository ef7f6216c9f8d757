"""Every published example is kept by the hub as it was sent, and found by each search parameter that reads it.

What a parameter reads is evaluated by fhirpathpy on R4's own expressions; how one would ask for it is written down
here. Nothing is shared with `fhir.search`.
"""

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from app.settings import Settings
from fhir.profiles.constraints import engine
from fhir.spec.search_parameters import SearchParameter, parameters
from fhir.xml.to_json import to_json
from tests.spec_data import SPEC_DATA
from tests.world import World, running

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("examples found")]

JSON = {"content-type": "application/fhir+json"}

REFUSED = {
    "audit-event-example-media": (403, "This role does not write AuditEvent"),
    "audit-event-example-search": (403, "This role does not write AuditEvent"),
    "auditevent-example": (403, "This role does not write AuditEvent"),
    "consent-example-Emergency": (422, "Consent.provision.provision[0].actor[0].reference"),
    "consent-example-Out": (422, "Consent.provision.actor[0].reference"),
    "devicemetric-example": (422, "DeviceMetric.parent.reference"),
    "deviceusestatement-example": (422, "DeviceUseStatement.reasonReference[0].reference"),
    "episodeofcare-questionnaire": (422, "Questionnaire.item[0].item[0].linkId"),
    "eventdefinition-example": (422, "EventDefinition.text.div"),
    "medicationadministration-questionnaire": (422, "Questionnaire.item[0].item[0].linkId"),
    "observation-example-clinical-gender": (422, "Observation.performer[0].reference"),
    "provenance-relevant-history-questionnaire": (422, "Questionnaire.item[0].item[0].linkId"),
}
"""Examples that break R4, records of access, which the hub alone makes, and Consents about whom the hub does not know.

Each with where its fault lies.
"""

WITHOUT_ID = {"parameters-example"}
"""No record: it is not a resource that is kept."""


class _Number(str):
    """A number's text, which is equal only to the same text."""

    __slots__ = ()


_EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=_Number)


def examples() -> dict[str, bytes]:
    """Return the examples by their names, Patients first: others are about them."""
    found = {path.stem: path.read_bytes() for path in sorted((SPEC_DATA / "fhir/r4-examples").glob("*.json"))}
    return dict(sorted(found.items(), key=lambda one: json.loads(one[1])["resourceType"] != "Patient"))


async def _put_patients(world: World, own: dict[str, str], bodies: dict[str, bytes]) -> None:
    """Make the Patients that the examples are about and that are not among them."""
    there = {one["id"] for body in bodies.values() if (one := json.loads(body))["resourceType"] == "Patient"}
    named = {match for body in bodies.values() for match in re.findall(rb'Patient/([A-Za-z0-9.-]{1,64})["/]', body)}
    for id_ in sorted({one.decode() for one in named} - there):
        body = {"resourceType": "Patient", "id": id_}
        assert (await world.http.put(f"/fhir/Patient/{id_}", headers=own, json=body)).status_code == 201


async def load(world: World, own: dict[str, str]) -> dict[str, str]:
    """Put every example and return where it is: `Type/id` by its name."""
    bodies = {name: body for name, body in examples().items() if name not in WITHOUT_ID}
    await _put_patients(world, own, bodies)
    places: dict[str, str] = {}
    for name, body in bodies.items():
        tree = json.loads(body)
        place = f"{tree['resourceType']}/{tree['id']}"
        if place in places.values():
            # Two examples of one type and id.
            answer = await world.http.post(f"/fhir/{tree['resourceType']}", headers=own | JSON, content=body)
        else:
            answer = await world.http.put(f"/fhir/{place}", headers=own | JSON, content=body)
        if name in REFUSED:
            status, fault = REFUSED[name]
            assert (answer.status_code, fault in answer.text) == (status, True), answer.text
            continue
        assert answer.status_code == 201, (name, answer.text)
        places[name] = f"{tree['resourceType']}/{answer.json()['id']}"
    return places


def _without(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without what a server sets."""
    meta = {key: value for key, value in tree.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    return {key: value for key, value in tree.items() if key not in ("id", "meta")} | ({"meta": meta} if meta else {})


async def kept(world: World, own: dict[str, str], places: dict[str, str]) -> dict[str, Any]:
    """Return the stored examples by their places, each compared with what was sent, as JSON and as XML."""
    bodies = examples()
    found: dict[str, Any] = {}
    for name, place in places.items():
        read = await world.http.get(f"/fhir/{place}", headers={**own, "accept": "application/fhir+json"})
        xml = await world.http.get(f"/fhir/{place}?_format=xml", headers=own)
        original = await world.http.get(f"/fhir/{place}/$original", headers=own)
        stored = _EXACT.decode(read.content)
        assert _without(stored) == _without(_EXACT.decode(bodies[name])), name
        assert _EXACT.decode(to_json(xml.content).body) == stored, name
        assert original.content == bodies[name], name
        found[place] = read.json()
    return found


RESOLVE = re.compile(r"\.where\(resolve\(\) is (\w+)\)")


def _leads_to(value: Any, kind: str) -> bool:
    """Return whether a reference may lead to a type."""
    text = value.get("reference", "")
    match = re.search(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/.*)?$", text)
    return match[1] == kind if match else value.get("type", kind) == kind


def evaluate(resource: dict[str, Any], expression: str) -> list[Any]:
    """Return what R4's expression of a parameter finds in a resource."""
    expression = re.sub(r"\b(?:Domain)?Resource\.", f"{resource['resourceType']}.", expression)
    # `as` is said of single values, but meant of each.
    expression = re.sub(r" as (\w+)\)", r".ofType(\1))", expression).replace(".as(", ".ofType(")
    found: list[Any] = []
    for branch in expression.split(" | "):
        plain, targets = RESOLVE.sub("", branch), RESOLVE.findall(branch)
        # Parentheses may go over several branches.
        if plain.count("(") != plain.count(")"):
            return engine()(resource, RESOLVE.sub("", expression), {"resource": resource})
        values = engine()(resource, plain, {"resource": resource})
        found += [one for one in values if all(_leads_to(one, kind) for kind in targets)]
    return found


def escaped(text: object) -> str:
    return re.sub(r"([,|$\\])", r"\\\1", str(text))


def _codes(code: str | None, system: str | None) -> Iterator[str]:
    if code is not None:
        yield escaped(code)
        yield f"{escaped(system or '')}|{escaped(code)}"
    elif system is not None:
        yield f"{escaped(system)}|"


def of_token(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif not isinstance(value, dict):
        yield escaped(value)
    elif "coding" in value or "text" in value:
        for coding in value.get("coding", ()):
            yield from _codes(coding.get("code"), coding.get("system"))
    elif "value" in value and value.get("system") in ("phone", "fax", "email", "pager", "url", "sms", "other"):
        yield escaped(value["value"])
    elif "value" in value or "code" not in value:
        yield from _codes(value.get("value"), value.get("system"))
    else:
        yield from _codes(value["code"], value.get("system"))


def of_string(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield escaped(value)
        return
    for key in (
        "text",
        "family",
        "given",
        "prefix",
        "suffix",
        "line",
        "city",
        "district",
        "state",
        "postalCode",
        "country",
    ):
        texts = value.get(key, [])
        yield from map(escaped, texts if isinstance(texts, list) else [texts])


def of_date(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if re.match("[0-9]{4}", value):
            yield value
            yield f"{value[:4]}"
            yield f"ge{value}"
        return
    for end in ("start", "end"):
        if end in value:
            yield f"ap{value[end]}"
            yield f"{'ge' if end == 'start' else 'le'}{value[end]}"
    for event in value.get("event", ()):
        yield f"ge{event}"


def of_reference(value: Any) -> Iterator[str]:
    text = value if isinstance(value, str) else value.get("reference", "#")
    if "resourceType" in value and "id" in value and not isinstance(value, str):
        yield f"{value['resourceType']}/{value['id']}"
    elif text[:1] != "#":
        yield escaped(text)


def of_quantity(value: Any) -> Iterator[str]:
    if "low" in value or "high" in value:
        yield from (f"{way}{value[end]['value']}" for way, end in (("ge", "high"), ("le", "low")) if end in value)
    elif "value" in value:
        way = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}.get(value.get("comparator", ""), "")
        text = f"{way}{value['value']}"
        yield text
        for unit in ("code", "unit", "currency"):
            if unit in value:
                yield f"{text}||{escaped(value[unit])}"
        if "system" in value and "code" in value:
            yield f"{text}|{escaped(value['system'])}|{escaped(value['code'])}"


def of_number(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(value[end]["value"]) for end in ("low", "high") if end in value)
    else:
        yield str(value)


ASKED = {
    "token": of_token,
    "string": of_string,
    "date": of_date,
    "reference": of_reference,
    "quantity": of_quantity,
    "number": of_number,
    "uri": lambda value: [escaped(value)],
}
"""How somebody who reads a value asks for it."""

LEAST = {
    "token": 1900,
    "date": 500,
    "reference": 450,
    "string": 300,
    "composite": 80,
    "uri": 60,
    "quantity": 20,
    "number": 14,
}
"""So many questions are asked at least, by the type of the parameter."""

Questions = dict[tuple[str, str, str], set[str]]


def questions(resources: dict[str, Any]) -> Questions:
    """Return which ids each question (type, name, text) has to find."""
    found: Questions = {}
    for place, resource in resources.items():
        type_name, _, id_ = place.partition("/")
        for parameter in parameters(type_name).values():
            if ".resolve()." in parameter.expression:
                # Names of who is contained: tests/app/exchange/mhd/test_find.py asks for them.
                continue
            for name, text in _of_parameter(resource, parameter.code, parameter.type, parameter.expression):
                found.setdefault((type_name, name, text), set()).add(id_)
            if parameter.type == "composite":
                for text in _of_composite(resource, parameter):
                    found.setdefault((type_name, parameter.code, text), set()).add(id_)
    return found


def _values(element: Any, path: str) -> list[Any]:
    """Return what lies at a path of keys, whether an element repeats or not; nothing for a path of another form."""
    found = [element]
    for key in path.split(" ")[:-1]:
        steps = [one[key] for one in found if isinstance(one, dict) and key in one]
        found = [item for step in steps for item in (step if isinstance(step, list) else [step])]
    return found


def _of_composite(resource: dict[str, Any], parameter: SearchParameter) -> Iterator[str]:
    known = parameters(parameter.base)
    for path in parameter.paths:
        for element in _values(resource, path):
            parts = [
                [
                    text
                    for one in part.paths
                    for value in _values(element, one)
                    for text in ASKED[known[part.code].type](value)
                ]
                for part in parameter.components
            ]
            yield from ("$".join(texts) for texts in itertools.product(*(part[:3] for part in parts)))


def _of_parameter(resource: dict[str, Any], code: str, kind: str, expression: str) -> Iterator[tuple[str, str]]:
    values = evaluate(resource, expression) if expression else []
    for value in values:
        if code == "near":
            position = value.get("position", value)
            yield code, f"{position['latitude']}|{position['longitude']}|1|km"
        elif kind in ASKED:
            yield from ((code, text) for text in ASKED[kind](value) if text)
            if kind == "token" and isinstance(value, dict) and "text" in value:
                yield f"{code}:text", escaped(value["text"])
            if kind == "reference" and isinstance(value, dict) and "value" in value.get("identifier", {}):
                yield f"{code}:identifier", escaped(value["identifier"]["value"])


async def _lost(world: World, own: dict[str, str], question: tuple[str, str, str], ids: set[str]) -> set[str]:
    """Return which of the ids a question does not find."""
    type_name, name, text = question
    address = f"/fhir/{type_name}?{name}={quote(text, safe='')}&_count=1000&_total=none"
    answer = await world.http.get(address, headers=own)
    assert answer.status_code == 200, (address, answer.text)
    return ids - {one["resource"]["id"] for one in answer.json().get("entry", ())}


async def test_every_example_is_kept_and_found_by_each_parameter_that_reads_it(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        own = await world.client("hospital-a")
        places = await load(world, own)
        resources = await kept(world, own, places)
        asked = list(questions(resources).items())
        lost: dict[tuple[str, str, str], set[str]] = {}
        for begin in range(0, len(asked), 25):
            part = asked[begin : begin + 25]
            answers = await asyncio.gather(*(_lost(world, own, one, ids) for one, ids in part))
            lost |= {one: ids for (one, _), ids in zip(part, answers, strict=True) if ids}

    kinds = Counter(parameters(kind)[name.partition(":")[0]].type for (kind, name, _), _ in asked)
    assert lost == {}
    assert len(places) == len(examples()) - len(REFUSED) - len(WITHOUT_ID) == 283
    assert {kind for kind, least in LEAST.items() if kinds[kind] < least} == set()
