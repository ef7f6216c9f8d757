"""G4, G5, G7: no text that is sent runs away with the hub, means more than it says, or names a file."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from tests.app.imaging.images import CT, a_file, send
from tests.attacks.probe import OWNER, put
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


class RanAway(Exception):
    """A request kept the processor for so long that it would never have ended."""


@contextmanager
def bounded(seconds: int = 60) -> Iterator[None]:
    """End what would never end by itself; what is sound takes a hundredth of it."""

    def stop(_: int, __: FrameType | None) -> None:
        raise RanAway

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


LONG = 30_000
QUERIES = {
    "contains": "Patient?name:contains=" + "a" * 5_000,
    "wildcards": "Patient?name:contains=" + "%25_" * 1_500,
    "escapes": "Patient?name:contains=" + "%5C" * 3_000,
    "content": "Observation?_content=" + "a%25" * 1_500,
    "a filter in brackets": "Observation?_filter=" + "(" * 3_000,
    "a filter of nots": "Observation?_filter=" + "not (" * 1_000 + "code eq a" + ")" * 1_000,
    "a date": "Observation?date=" + "2024-" * 2_000,
    "a number": "RiskAssessment?probability=" + "1" * 6_000,
    "a token": "Observation?code=" + "|" * 6_000,
    "an order": "Observation?_sort=" + "-date," * 1_500,
    "an include": "Observation?_include=" + "*:" * 3_000,
}
BODIES: dict[str, dict[str, Any]] = {
    "base64": {"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA" * LONG + "!"},
    "base64 with spaces": {"resourceType": "Binary", "contentType": "text/plain", "data": " AAAA " * LONG + "!"},
    "a code": an_observation("a", status="final " * LONG),
    "a code of spaces": {"resourceType": "Patient", "gender": "a" + " " * LONG + "a"},
    "a date": {"resourceType": "Patient", "birthDate": "0" * LONG},
    "a moment": an_observation("a", effectiveDateTime="2024-05-01T10:00:00." + "0" * LONG),
    "an id": {"resourceType": "Patient", "id": "a" * LONG},
    "an OID": {"resourceType": "Patient", "identifier": [{"system": "urn:oid:" + "1." * LONG}]},
    "an address": {"resourceType": "Patient", "photo": [{"url": "a " * LONG}]},
    "a reference": {"resourceType": "Patient", "managingOrganization": {"reference": "a/" * LONG}},
    "a language": {"resourceType": "Patient", "language": "a-" * LONG},
    "a narrative": {"resourceType": "Patient", "text": {"status": "generated", "div": "<div " + 'a="' * LONG}},
    "a name of spaces": {"resourceType": "Patient", "name": [{"text": " " * LONG + "a"}]},
}


@pytest.mark.parametrize("name", QUERIES)
async def test_g4_no_query_runs_away(world: World, name: str) -> None:
    own = await world.client(OWNER)
    await put(world, own, a_patient(id="hospital-a-1", name=[{"family": "a" * 190}]))
    await put(world, own, an_observation("hospital-a-1", id="hospital-a-2"))

    with bounded():
        response = await world.http.get(f"/fhir/{QUERIES[name]}", headers=own)

    assert response.status_code < 500


@pytest.mark.parametrize("name", BODIES)
async def test_g4_no_body_runs_away(world: World, name: str) -> None:
    own = await world.client(OWNER)

    with bounded():
        response = await world.http.post(f"/fhir/{BODIES[name]['resourceType']}", headers=own, json=BODIES[name])

    assert response.status_code < 500


PLAIN = {"a%b": "a%25b", "a_b": "a_b", "a\\b": "a%5Cb", "a'b": "a%27b", "a;b": "a%3Bb"}


async def test_g5_no_character_stands_for_others(world: World) -> None:
    own = await world.client(OWNER)
    for number, family in enumerate((*PLAIN, "axb", "ab", "axxb")):
        await put(world, own, a_patient(id=f"hospital-a-{number}", name=[{"family": family}]))

    for number, (family, asked) in enumerate(PLAIN.items()):
        for form in ("family={}", "family:exact={}", "family:contains={}", "name:contains={}", "_content={}"):
            # What punctuation is left out by folding is left out on both sides; nothing else is found.
            found = (await world.http.get(f"/fhir/Patient?{form.format(asked)}", headers=own)).json()
            ids = {entry["resource"]["id"] for entry in found.get("entry", ())}
            assert f"hospital-a-{number}" in ids or form == "_content={}", (family, form, found)
            assert ids.isdisjoint({f"hospital-a-{len(PLAIN)}", f"hospital-a-{len(PLAIN) + 2}"}), (family, form)


INJECTED = (
    "' OR '1'='1",
    "'; DROP TABLE resource; --",
    '" OR ""="',
    "1) OR (1=1",
    "%' OR 1=1 --",
    "\\' OR 1=1 --",
    "$1",
    ":p1",
    "?1",
    "{}",
    "%s",
    "%(a)s",
    "/**/UNION/**/SELECT/**/1",
)
PARAMETERS = {
    "Patient": ("name", "name:exact", "name:contains", "identifier", "gender", "birthdate", "_id", "organization"),
    "Observation": ("code", "code:text", "date", "value-quantity", "code-value-quantity", "patient.name", "_content"),
    "ValueSet": ("url", "url:below", "_security", "_tag", "_profile"),
}  # fmt: skip


@pytest.mark.parametrize("type_name", PARAMETERS)
async def test_g5_no_value_is_sql(world: World, type_name: str) -> None:
    own = await world.client(OWNER)
    await put(world, own, a_patient(id="hospital-a-1"))
    await put(world, own, an_observation("hospital-a-1", id="hospital-a-2"))

    for name in PARAMETERS[type_name]:
        for value in INJECTED:
            response = await world.http.get(f"/fhir/{type_name}", headers=own, params={name: value})
            assert response.status_code in (200, 400, 403), (name, value, response.text)
            assert response.status_code != 200 or response.json()["total"] == 0, (name, value)
    for value in INJECTED:
        for parameter in ("_sort", "_elements", "_include", "_filter", "_total", value):
            response = await world.http.get(f"/fhir/{type_name}", headers=own, params={parameter: value})
            assert response.status_code in (400, 403), (parameter, value, response.text)
    assert await world.total(own, "Patient") == await world.total(own, "Observation") == 1


@pytest.mark.parametrize("uid", ["../../../../evil", "..", "/evil", "1.2.3/../../evil", "1.2.3\\evil", "1.2.3\0evil"])
async def test_g7_a_uid_names_no_file(world: World, uid: str) -> None:
    own = await world.client(OWNER)
    place = world.hub.settings.home
    above = {path.name for path in place.parent.iterdir()}

    sent = await send(world, own, a_file(CT, StudyInstanceUID=uid))
    named = await send(world, own, a_file(CT, SOPInstanceUID=uid))

    assert (sent.status_code, named.status_code) == (409, 409)
    assert await world.total(await world.client(OWNER, role="doctor"), "ImagingStudy") == 0
    assert [path for path in place.rglob("*") if "evil" in path.name] == []
    assert {path.name for path in place.parent.iterdir()} == above
    for address in ("studies/..%2f..%2fevil", "studies/../../evil", "studies/1.2.3/series/..%2fevil"):
        answer = await world.http.get(f"/dicomweb/{address}", headers=own)
        assert answer.status_code in (400, 401, 404)
