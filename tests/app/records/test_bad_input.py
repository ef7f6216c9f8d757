"""Bad input is refused with an OperationOutcome that says where, stores nothing, and hurts no worker."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from fhir.store.tables import INDEX_TABLES, resource, resource_id, resource_patient, resource_version
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/fhir+json"}
_COUNTS = [
    select(func.count()).select_from(table)
    for table in (resource, resource_version, resource_id, resource_patient, *INDEX_TABLES)
]


async def counted(world: World) -> list[int]:
    """Return the number of rows in every table of the store."""
    return [(await world.hub.database.reader.fetch(statement, {}))[0][0] for statement in _COUNTS]


def nested(levels: int) -> bytes:
    extension = b'{"url":"u","extension":[' * levels + b"]}" * levels
    return b'{"resourceType":"Patient","extension":[' + extension + b"]}"


def a_bundle(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def _post(resource: Any) -> dict[str, Any]:
    return {"request": {"method": "POST", "url": resource["resourceType"]}, "resource": resource}


DANGLING = an_observation("x") | {"subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}}

BODIES: dict[str, tuple[str, bytes, int, str, str | None]] = {
    "not JSON": ("Patient", b"<Patient/>", 400, "structure", None),
    "nothing": ("Patient", b"", 400, "structure", None),
    "cut short": ("Patient", b'{"resourceType":"Patient"', 400, "structure", None),
    "not an object": ("Patient", b"[]", 400, "structure", None),
    "no type": ("Patient", b"{}", 400, "invalid", "resourceType"),
    "wrong type": ("Patient", b'{"resourceType":"Group"}', 400, "invalid", "resourceType"),
    "type of a wrong type": ("Patient", b'{"resourceType":["Patient"]}', 400, "invalid", "resourceType"),
    "unknown type": ("Pet", b'{"resourceType":"Pet"}', 404, "not-found", None),
    "a type without address": ("Parameters", b'{"resourceType":"Parameters"}', 404, "not-found", None),
    "10,000 levels": ("Patient", nested(10_000), 400, "structure", None),
    "65 levels": ("Patient", nested(40), 400, "structure", None),
    "10,000 arrays": ("Patient", b"[" * 10_000, 400, "structure", None),
    "a key twice": ("Patient", b'{"resourceType":"Patient","gender":"male","gender":"female"}', 400, "structure", None),
    "a key twice inside": (
        *("Patient", b'{"resourceType":"Patient","name":[{"text":"a","text":"b"}]}', 400, "structure"),
        "Patient.name[0]",
    ),
    "invalid UTF-8": ("Patient", b'{"resourceType":"Patient","id":"\xff"}', 400, "structure", None),
    "UTF-16": ("Patient", '{"resourceType":"Patient"}'.encode("utf-16"), 400, "structure", None),
    "a NUL": ("Patient", b'{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}', 400, "structure", None),
    "a raw NUL": ("Patient", b'{"resourceType":"Patient","name":[{"text":"a\x00b"}]}', 400, "structure", None),
    "half a surrogate": ("Patient", b'{"resourceType":"Patient","name":[{"text":"\\ud800"}]}', 400, "structure", None),
    "not a number": ("Patient", b'{"resourceType":"Patient","multipleBirthInteger":NaN}', 400, "structure", None),
    "an unknown element": ("Patient", b'{"resourceType":"Patient","colour":"red"}', 422, "structure", "Patient.colour"),
    "a date that is none": (
        *("Patient", b'{"resourceType":"Patient","birthDate":"2024-13-01"}', 422, "value"),
        "Patient.birthDate",
    ),
    "an unknown patient": ("Observation", json.dumps(an_observation("x")).encode(), 422, "not-found", "Observation"),
    "a dangling reference": (
        *("", a_bundle(_post(a_patient()), _post(DANGLING)), 422, "not-found"),
        "Bundle.entry[1].resource.subject.reference",
    ),
    "entries that are none": (
        "",
        b'{"resourceType":"Bundle","type":"transaction","entry":[1]}',
        400,
        "structure",
        "Bundle.entry[0]",
    ),
    "no Bundle": ("", json.dumps(a_patient()).encode(), 400, "structure", None),
    "an unknown type inside": (
        "",
        a_bundle({"request": {"method": "DELETE", "url": "Pet/1"}}),
        404,
        "not-found",
        "Bundle.entry[0].resource",
    ),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body_is_refused_where_it_is_bad(world: World, name: str) -> None:
    path, body, status, code, expression = BODIES[name]
    hospital = await world.client("hospital-a") | JSON
    before = await counted(world)

    refused = await world.http.post(f"/fhir/{path}", headers=hospital, content=body)

    assert refused.status_code == status, refused.text
    found = refused.json()
    assert (found["resourceType"], found["issue"][0]["code"]) == ("OperationOutcome", code), refused.text
    assert found["issue"][0]["diagnostics"]
    if expression is not None:
        assert found["issue"][0]["expression"] == [expression]
    assert await counted(world) == before
    await world.post(hospital, a_patient())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/xhtml+xml"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Encoding": "br"}, 415),
        ({"Content-Length": "abc"}, 413),
        ({"Content-Length": "200000000"}, 413),
    ],
    ids=str,
)
async def test_a_body_of_another_kind_is_not_read(world: World, headers: dict[str, str], status: int) -> None:
    hospital = await world.client("hospital-a")

    async def never_read() -> AsyncIterator[bytes]:
        raise AssertionError("The body was read")
        yield b""

    content: Any = never_read() if "Content-Length" in headers else json.dumps(a_patient()).encode()
    refused = await world.http.post("/fhir/Patient", headers=hospital | headers, content=content)

    assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome")


async def test_a_stream_without_a_length_is_cut_off(world: World) -> None:
    hospital = await world.client("hospital-a") | JSON
    world.hub.settings = world.hub.settings.model_copy(update={"resource_bytes": 1_000_000})
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 100_000

    refused = await world.http.post("/fhir/Patient", headers=hospital, content=endless())

    assert (refused.status_code, refused.json()["issue"][0]["code"], sent) == (413, "too-long", 11)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Patient?_count=99999999999", 400),
        ("Patient?_count=-1", 400),
        ("Patient?_count=999999999", 200),
        ("Patient?_count=%EF%BC%95", 400),
        ("Patient?nonsense=1", 400),
        ("Patient?name=%FF", 400),
        ("Patient?name=a%00b", 400),
        ("Patient?name=", 400),
        ("Patient?name=%20", 400),
        ("Patient?" + "&".join(["gender=male"] * 501), 400),
        ("Patient?birthdate=yesterday", 400),
        ("Patient?birthdate=9999-12-31", 200),
        ("Patient?birthdate=0000", 400),
        ("Patient?_sort=gender", 200),
        ("Patient?_sort=nonsense", 400),
        ("Patient?_include=nonsense", 400),
        ("Patient?_include=*", 200),
        ("Patient?_revinclude=Observation:code", 400),
        ("Patient?_include:iterate=Patient:organization", 200),
        ("Patient?_include=Patient:organization:Patient", 400),
        ("Patient?_cursor=x", 400),
        ("Patient?_cursor=%F0%9F%98%80", 400),
        ("Patient?_elements=nothing", 400),
        ("Patient?_summary=true&_elements=name", 400),
        ("Patient?_summary=text&_include=Patient:organization", 400),
        ("Patient?organization.name=x", 200),
        ("Patient?_has:Observation:patient:code=x", 200),
        ("Patient?identifier=|", 400),
        ("Patient?name:nonsense=x", 400),
        ("Patient?_format=ttl", 406),
        ("Patient?_id=" + "x," * 1_000 + "x", 400),
        ("Observation?value-quantity=1e400", 400),
        ("Observation?value-quantity=NaN", 400),
        ("Observation?code=%5C", 200),
        ("Patient?_id=" + "x," * 499 + "x", 200),
        ("Patient?&&==&", 400),
        ("Patient?name=%25%5F%27%22--", 200),
        ("Patient/x%2F..%2F..", 404),
        ("Patient/" + "x" * 65, 404),
        ("Patient/x/_history/abc", 404),
        ("Patient/x/_history/99999999999999999999", 404),
        ("Patient/x/_history?_count=x", 400),
        ("Patient/x/_history?nonsense=1", 400),
        ("Patient/x/$nonsense", 404),
        ("Patient/x/y/z/w", 404),
        ("Pet", 404),
        ("%F0%9F%98%80", 404),
        ("_nonsense", 404),
    ],
)
async def test_a_weird_address_is_answered_plainly(world: World, query: str, status: int) -> None:
    hospital = await world.client("hospital-a")

    answered = await world.http.get(f"/fhir/{query}", headers=hospital)

    assert answered.status_code == status, answered.text
    assert answered.json()["resourceType"] == ("OperationOutcome" if status >= 400 else "Bundle")


async def test_unknown_parameters_are_ignored_only_on_request(world: World) -> None:
    hospital = await world.client("hospital-a")
    lenient = hospital | {"Prefer": "handling=lenient"}

    strict = await world.http.get("/fhir/Patient?nonsense=1&gender=male", headers=hospital)
    ignored = await world.http.get("/fhir/Patient?nonsense=1&gender=male", headers=lenient)

    assert (strict.status_code, strict.json()["issue"][0]["expression"]) == (400, ["nonsense"])
    assert ignored.json()["link"][0]["url"].endswith("/fhir/Patient?gender=male")


@pytest.mark.parametrize("method", ["TRACE", "NONSENSE"])
async def test_an_unknown_method_is_refused(world: World, method: str) -> None:
    hospital = await world.client("hospital-a")

    refused = await world.http.request(method, "/fhir/Patient/x", headers=hospital)

    assert (refused.status_code, refused.json()["resourceType"]) == (405, "OperationOutcome")


async def test_an_answer_in_another_format_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a") | {"Accept": "text/turtle"}
    read = await world.http.get("/fhir/Patient/x", headers=hospital)
    form = await world.http.post("/fhir/Patient/_search", headers=hospital, content=b"gender=male")

    assert (read.status_code, form.status_code) == (406, 406)


UNKNOWN = "http://example.org/fhir/StructureDefinition/nobody-knows"


async def test_an_unknown_profile_is_stored_with_a_warning(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = a_patient(meta={"profile": [UNKNOWN]})

    written = await world.http.post(
        "/fhir/Patient", headers=hospital | {"Prefer": "return=OperationOutcome"}, json=patient
    )

    assert written.status_code == 201
    assert [(one["severity"], one.get("expression")) for one in written.json()["issue"]] == [
        ("information", None),
        ("warning", ["Patient.meta.profile[0]"]),
    ]


async def test_an_unknown_profile_is_refused_by_a_strict_hub(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"profiles_strict": True})
    hospital = await world.client("hospital-a")
    before = await counted(world)

    def problem(refused: httpx.Response) -> tuple[int, str, list[str]]:
        first = refused.json()["issue"][0]
        return refused.status_code, first["code"], first["expression"]

    alone = await world.http.post("/fhir/Patient", headers=hospital, json=a_patient(meta={"profile": [UNKNOWN]}))
    inside = await world.http.post(
        "/fhir", headers=hospital | JSON, content=a_bundle(_post(a_patient(meta={"profile": [UNKNOWN]})))
    )

    assert problem(alone) == (422, "not-found", ["Patient.meta.profile[0]"])
    assert problem(inside) == (422, "not-found", ["Bundle.entry[0].resource.Patient.meta.profile[0]"])
    assert await counted(world) == before
