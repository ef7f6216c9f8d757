"""`$match`: who is probably the person that a Patient describes, with how sure that is (ITI-119).

https://hl7.org/fhir/R4/patient-operation-match.html, https://profiles.ihe.net/ITI/PDQm/ITI-119.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from app.identity.decide import Grade
from app.identity.keys import keys
from app.identity.match import Match, match_traits
from app.identity.replaced import is_replaced
from app.identity.traits import traits
from app.records.parameters import PARAMETERS_BYTES
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.errors import InvalidValue, NotFound
from fhir.profiles.structure import check
from fhir.resource import parse

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
_ASKED_CHARACTERS = 4_000
"""Of the Patient that is asked for, in the audit log."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a Patient, whether only certain matches count, and how many are wanted (0: as there are)."""

    patient: Mapping[str, Any]
    certain: bool = False
    count: int = 0


def _checked(resource: Mapping[str, Any]) -> None:
    for issue in check(dict(resource)):
        if issue.severity in ("error", "fatal"):
            raise InvalidValue(issue.diagnostics, issue.expression)
    place = _modified(resource, str(resource["resourceType"]))
    if place:
        raise InvalidValue("A modifierExtension that is not known here changes what is asked", place)


def _modified(node: Any, path: str) -> str:
    """Return where something changes the meaning of what it is in; empty where nothing does."""
    if isinstance(node, dict):
        if node.get("modifierExtension"):
            return f"{path}.modifierExtension"
        return next(filter(None, (_modified(value, f"{path}.{name}") for name, value in node.items())), "")
    if isinstance(node, list):
        return next(filter(None, (_modified(one, f"{path}[{n}]") for n, one in enumerate(node))), "")
    return ""


def _value(parameter: Mapping[str, Any], name: str, path: str) -> Any:
    if name not in parameter:
        raise InvalidValue(f"{parameter['name']} has a {name}", path)
    return parameter[name]


def read_asked(body: bytes) -> Asked:
    """Return what a body asks: Parameters, or a Patient alone.

    Raises:
        InvalidJson: it is not strict JSON.
        InvalidValue: it breaks a rule of R4, has a parameter that is unknown or there twice, or no Patient.
    """
    resource = parse(body)
    _checked(resource)
    if resource["resourceType"] == "Patient":
        return Asked(resource)
    if resource["resourceType"] != "Parameters":
        raise InvalidValue("The body is Parameters or a Patient", "resourceType")
    found: dict[str, Any] = {}
    for number, one in enumerate(resource.get("parameter", ())):
        name, path = one["name"], f"Parameters.parameter[{number}]"
        if name in found or name not in ("resource", "onlyCertainMatches", "count"):
            raise InvalidValue(f"{name[:50]} is no parameter of this operation, or there twice", path)
        kind = {"resource": "resource", "onlyCertainMatches": "valueBoolean", "count": "valueInteger"}[name]
        found[name] = _value(one, kind, path)
    patient, count = found.get("resource"), found.get("count", 0)
    if patient is None or patient.get("resourceType") != "Patient":
        raise InvalidValue("A Patient is needed as the parameter resource", "Parameters.parameter")
    if "count" in found and count < 1:
        raise InvalidValue("count is at least 1", "Parameters.parameter")
    return Asked(patient, bool(found.get("onlyCertainMatches")), count)


def chosen(matches: Sequence[Match], asked: Asked) -> list[Match]:
    """Return the matches that are answered, the surest first.

    Where only certain ones are wanted and several persons are certain, nobody is.
    """
    left = [one for one in matches if not is_replaced(parse(one.candidate.stored.body))]
    if asked.certain:
        left = [one for one in left if one.grade is Grade.CERTAIN]
        if len({one.candidate.person for one in left}) > 1:
            return []
    return left[: asked.count] if asked.count else left


def entries(found: Sequence[Match], base_url: str) -> bytes:
    """Return the entries of the searchset, joined; scores fall with the order."""
    scores: list[float] = []
    for one in reversed(found):
        # What is certain by a rule may have fewer points than what is only probable.
        scores.append(max(one.score, scores[-1] if scores else 0.0))
    parts = []
    for one, score in zip(found, reversed(scores), strict=True):
        patient = one.candidate.stored
        told = {"extension": [{"url": GRADE, "valueCode": one.grade.code}], "mode": "match", "score": score}
        head = orjson.dumps({"fullUrl": f"{base_url}/Patient/{patient.id}"})[:-1]
        parts.append(b'%s,"resource":%s,"search":%s}' % (head, patient.body, orjson.dumps(told)))
    return b",".join(parts)


async def match(request: FhirRequest) -> Response:
    """Answer the Patients that exist for the caller and may be the one that is described.

    Raises:
        NotFound: it is asked of another type.
        InvalidValue: the body is not what is asked for, or says too little of the person.
        TooManyRequests: the caller has asked for too many people.
    """
    request.check_content_type()
    if request.type != "Patient":
        raise NotFound(f"{request.path} is not an address of this server")
    request.hub.limits.person_search(request.caller)
    body = await request.body(PARAMETERS_BYTES)
    asked = read_asked(body)
    request.query_string = urlencode({"resource": orjson.dumps(asked.patient)}).encode()[:_ASKED_CHARACTERS]
    who = traits(asked.patient)
    hashes = keys(who)
    if not hashes:
        raise InvalidValue("Too little is said of the person: a birth date with a name, or an identifier", "Patient")
    record = request.record
    found = chosen(await match_traits(record.connection, record.visibility, who, hashes), asked)
    record.disclosed += [one.candidate.stored for one in found]
    base = request.hub.settings.fhir_address
    link = [{"relation": "self", "url": f"{base}/Patient/$match"}]
    head = orjson.dumps({"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": link})[:-1]
    return fhir_response(head + (b',"entry":[' + entries(found, base) + b"]}" if found else b"}"))
