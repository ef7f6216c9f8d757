"""What a stranger is told before and after something hidden is written: the same, byte for byte.

A probe asks its questions, lets the owner write what the stranger may not see, and asks again. The owner asks as well
and must be answered otherwise: a question on which nothing hidden has a bearing shows nothing.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.world import World, a_consent, a_patient, an_observation

OWNER, STRANGER = "hospital-a", "clinic-c"
PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
NUMBER = "urn:oid:1.2.392.100495.20.3.61"
SAME_NUMBER = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber"
"""The same system by its other name."""

PATIENT, HIDDEN = "hospital-a-open", "hospital-a-hidden"
"""A Patient who consented to the stranger, and one who has said nothing."""

SEEN, SECRET = "hospital-a-seen", "hospital-a-secret"
"""A result of the first Patient, and one that has a sensitive label."""

Plant = Callable[[World, dict[str, str]], Awaitable[None]]


@dataclass(frozen=True)
class Question:
    """What is asked: a query below `/fhir/`, or a body that is sent there."""

    query: str
    method: str = "GET"
    body: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Told:
    """What came back; page links are alike, whatever they hold."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str


def coded(code: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}], **({"text": text} if text else {})}


def reference(to: str) -> dict[str, str]:
    return {"reference": to}


def form(query: str) -> Question:
    """Return a search as it is sent by POST."""
    type_name, _, parameters = query.partition("?")
    return Question(f"{type_name}/_search", "POST", quote(parameters, safe="&="), "application/x-www-form-urlencoded")


async def tell(world: World, caller: dict[str, str], question: Question | str, **headers: str) -> Told:
    """Return the answer to one question."""
    asked = question if isinstance(question, Question) else Question(question)
    kind = {"content-type": asked.kind} if asked.kind else {}
    response = await world.http.request(
        asked.method, f"/fhir/{asked.query}", headers={**caller, **kind, **headers}, content=asked.body.encode()
    )
    text = re.sub(r'_cursor=[^"&]*', "_cursor=…", response.text)
    kept = {name: value for name, value in response.headers.items() if not text or name != "content-length"}
    return Told(response.status_code, tuple(sorted(kept.items())), text)


async def put(world: World, caller: dict[str, str], resource: dict[str, Any]) -> None:
    """Write a resource under its id."""
    address = f"/fhir/{resource['resourceType']}/{resource['id']}"
    response = await world.http.put(address, headers=caller, json=resource)
    assert response.status_code in (200, 201), response.text


def secret(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource with a label that no Consent here opens."""
    return {**resource, "meta": {"security": [PSYCHIATRY]}}


async def stock(world: World) -> dict[str, str]:
    """Write what the stranger sees of the owner's, and return the owner's headers."""
    owner = await world.client(OWNER)
    await put(world, owner, {"resourceType": "Practitioner", "id": "hospital-a-dr", "name": [{"family": "佐藤"}]})
    await put(world, owner, a_patient(id=PATIENT, generalPractitioner=[reference("Practitioner/hospital-a-dr")]))
    await world.post(owner, a_consent(PATIENT, STRANGER))
    results = {SEEN: "2024-05-01", "hospital-a-seen-2": "2024-05-03", "hospital-a-seen-3": "2024-05-05"}
    for id_, day in results.items():
        fields = {"effectiveDateTime": day, "performer": [reference("Practitioner/hospital-a-dr")]}
        await put(world, owner, an_observation(PATIENT, id=id_, **fields))
    for id_, result in (("hospital-a-report", SECRET), ("hospital-a-report-2", "hospital-a-seen-2")):
        report = {"resourceType": "DiagnosticReport", "id": id_, "status": "final", "code": coded("11502-2")}
        await put(world, owner, {**report, "subject": reference(f"Patient/{PATIENT}"),
                                 "result": [reference(f"Observation/{result}")]})  # fmt: skip
    return owner


async def secrets(world: World, owner: dict[str, str]) -> None:
    """Write what the stranger may not see: labelled records of one Patient, and another Patient with a record."""
    doctor, glucose = [reference("Practitioner/hospital-a-dr")], coded("2345-7", "秘密")
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">極秘</div>'}
    told: dict[str, Any] = {"code": glucose, "performer": doctor, "text": narrative, "status": "amended"}
    told |= {"valueQuantity": {"value": 9.9, "unit": "%"}, "effectiveDateTime": "2024-05-02"}
    told |= {"hasMember": [reference(f"Observation/{SEEN}")]}
    await put(world, owner, secret(an_observation(PATIENT, id=SECRET, **told)))
    subject = reference(f"Patient/{PATIENT}")
    report = {"resourceType": "DiagnosticReport", "id": "hospital-a-secret-report", "status": "amended"}
    report |= {"code": glucose, "subject": subject, "result": [reference(f"Observation/{SEEN}")]}
    await put(world, owner, secret(report))
    problem = {"resourceType": "Condition", "id": "hospital-a-secret-problem", "code": coded("F20", "秘密")}
    await put(world, owner, secret({**problem, "subject": subject}))
    who = {"name": [{"family": "秘密"}], "identifier": [{"system": SAME_NUMBER, "value": "01130012"}]}
    await put(world, owner, a_patient(id=HIDDEN, generalPractitioner=doctor, **who))
    await put(world, owner, an_observation(HIDDEN, id="hospital-a-hidden-result", **told))


async def unchanged(
    world: World, questions: Sequence[Question | str], plant: Plant = secrets, *, status: int = 200
) -> None:
    """Assert that what is planted changes no answer to the stranger, and every answer to the owner.

    Args:
        world: A hub without records.
        questions: What both ask.
        plant: Writes what the stranger may not see.
        status: What the stranger is answered.
    """
    owner, stranger = await stock(world), await world.client(STRANGER)
    before = [(await tell(world, stranger, one), await tell(world, owner, one)) for one in questions]
    await plant(world, owner)
    after = [(await tell(world, stranger, one), await tell(world, owner, one)) for one in questions]

    told = list(zip(questions, before, after, strict=True))
    leaks = [(one, early[0], late[0]) for one, early, late in told if early[0] != late[0]]
    assert not leaks, leaks
    refused = [(one, late) for one, _, late in told if (late[0].status, late[1].status) != (status, 200)]
    assert not refused, refused
    pointless = [one for one, early, late in told if early[1] == late[1]]
    assert not pointless, pointless
