"""The pages of a search are those of the instant of its first page, whatever is written meanwhile."""

import itertools
import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app.records import superseded
from app.records.page_links import HOUR
from app.records.reindex import reindex_types
from fhir.store.tables import INDEX_TABLES
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

STATUSES = ("final", "amended", "corrected", "preliminary")
FAMILIES = ("山田", "佐藤", "Smith", "川口")
QUERIES = (
    "Observation?patient={patient}",
    "Observation?patient={patient}&_sort=_id",
    "Observation?patient={patient}&_sort=-_lastUpdated",
    "Observation?_sort=_lastUpdated,status",
    "Observation?patient={patient}&_sort=status",
    "Observation?_sort=-performer,-status",
    "Observation?patient={patient}&_sort=date",
    "Observation?status=final,amended&_sort=-date,status",
    "Observation?patient={patient}&value-quantity=gt4&_sort=-value-quantity",
    "Observation?_sort=value-string,_source",
    "Observation?value-string=a&_sort=-_source",
    "Observation?status:not=final&date=ge2024-03",
    "Observation?value-quantity:missing=true&_sort=-value-string",
    "Observation?_content=血糖&_sort=date",
    "Observation?patient.family=山田,佐藤&_sort=date",
    "Observation?code-value-quantity=4548-4$gt5&_sort=value-quantity",
    "Observation?_sort=patient.family,-patient.birthdate",
    "Observation?_sort=-subject:Patient.birthdate,has-member:Observation.subject:Patient.family",
    "Observation?_lastUpdated=ge2020&_sort=-has-member.date",
    "Patient?_has:Observation:patient:status=final&_sort=family",
    "Patient?_sort=-birthdate,name",
    "Patient/{patient}/Observation?_sort=-date",
    "?_type=Observation,Patient&_sort=_source",
    "Observation?code=http://loinc.org|4548-4",
    "Observation?code=4548-4&date=ge2024-03",
    "Observation?performer=Practitioner/1",
    "Observation?component-code-value-quantity:missing=true",
    "Observation?code-value-quantity=4548-4$gt2&_total=none",
    "Observation?",
    "Observation?_sort=-_lastUpdated",
    "Observation?_sort=-date",
    "Observation?_sort=date&status:not=final",
    "Observation?_sort=-date&_total=none",
    "?_type=Observation,Patient",
    "?_type=Observation,Patient&_sort=-_lastUpdated",
    "?_type=Observation,DiagnosticReport&_sort=-date",
)


def _stepping(world: World) -> None:
    """Let the clock go on by ten milliseconds whenever it is looked at, so that no two writes share an instant."""
    ticks = itertools.count(world.hub.clock(), 10_000)
    world.hub.clock = lambda: next(ticks)


def _an_observation(chance: random.Random, patient: str, there: list[str], **fields: Any) -> dict[str, Any]:
    made = an_observation(
        patient,
        **fields,
        status=chance.choice(STATUSES),
        effectiveDateTime=f"2024-0{chance.randrange(1, 6)}-01",
        meta={"source": f"http://example.org/{chance.randrange(4)}"},
    )
    performers = [{"reference": f"Practitioner/{chance.randrange(5)}"} for _ in range(chance.randrange(3))]
    members = [
        {"reference": f"Observation/{one}"} for one in chance.sample(there, min(len(there), chance.randrange(3)))
    ]
    del made["valueQuantity"]
    value: dict[str, Any] = chance.choice(
        (
            {"valueQuantity": {"value": chance.randrange(1, 10), "unit": "%"}},
            {"valueString": chance.choice("abA")},
            {"note": [{"text": chance.choice(("血糖", "貧血"))}]},
        )
    )
    return {
        **made,
        **value,
        **({"performer": performers} if performers else {}),
        **({"hasMember": members} if members else {}),
    }


def _a_patient(chance: random.Random, **fields: Any) -> dict[str, Any]:
    name = {"family": chance.choice(FAMILIES)}
    return a_patient(name=[name], birthDate=f"19{chance.randrange(50, 55)}-01-02", **fields)


class _Region:
    """Patients and Observations of a hospital that change at random."""

    def __init__(self, world: World, caller: dict[str, str], chance: random.Random, *, deletes: bool) -> None:
        self.world, self.caller, self.chance, self.deletes = world, caller, chance, deletes
        self.patients: list[str] = []
        self.observations: dict[str, str] = {}
        self.gone: set[str] = set()

    async def begin(self) -> None:
        for _ in range(3):
            self.patients.append((await self.world.post(self.caller, _a_patient(self.chance)))["id"])
        for _ in range(9):
            await self._create()

    async def _create(self) -> None:
        patient = self.patients[0] if self.chance.random() < 0.7 else self.chance.choice(self.patients)
        made = _an_observation(self.chance, patient, list(self.observations))
        self.observations[(await self.world.post(self.caller, made))["id"]] = patient

    async def disturb(self) -> None:
        """Write something."""
        ways = ("create", "patient", "update", "update", "update", *(("delete", "again") if self.deletes else ()))
        what = self.chance.choice(ways)
        if what == "create":
            await self._create()
            return
        http, chance = self.world.http, self.chance
        id_ = chance.choice(self.patients if what == "patient" else list(self.observations))
        if what == "patient":
            body, address = _a_patient(chance, id=id_), f"/fhir/Patient/{id_}"
        else:
            body = _an_observation(chance, self.observations[id_], list(self.observations), id=id_)
            address = f"/fhir/Observation/{id_}"
        if what in ("delete", "again"):
            await http.delete(address, headers=self.caller)
            self.gone.add(id_)
        if what != "delete":
            response = await http.put(address, headers=self.caller, json=body)
            assert response.status_code in (200, 201), response.text


Page = list[tuple[str, Any]]


async def _pages(world: World, caller: dict[str, str], address: str, relation: str) -> AsyncIterator[tuple[str, Page]]:
    """Yield the address and the ids and resources of each page that a relation leads to."""
    for _ in range(40):
        response = await world.http.get(address, headers=caller)
        assert response.status_code == 200, response.text
        page = response.json()
        yield address, [(one["resource"]["id"], one["resource"]) for one in page.get("entry", ())]
        following = _links(page).get(relation)
        if following is None:
            return
        address = following
    raise AssertionError("The pages do not end")


def _links(page: dict[str, Any]) -> dict[str, str]:
    return {one["relation"]: urlsplit(one["url"])._replace(scheme="", netloc="").geturl() for one in page["link"]}


@pytest.mark.parametrize("query", QUERIES)
async def test_pages_are_of_their_first_instant_while_others_write(world: World, query: str) -> None:
    _stepping(world)
    chance = random.Random(query)
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    # What is deleted is gone at once, and its values with it: what referred to it then moves.
    made = _Region(world, own, chance, deletes="has" not in query)
    await made.begin()
    for patient in made.patients:
        await world.post(own, a_consent(patient, "clinic-c"))
    asked = "/fhir/" + query.format(patient=made.patients[0])
    asked += ("&" if "?" in asked else "?") + "_count="
    whole = (await world.http.get(f"{asked}100", headers=clinic)).json()
    expected = [(one["resource"]["id"], one["resource"]) for one in whole.get("entry", ())]

    found: Page = []
    begun = 0
    latest = ""
    async for address, page in _pages(world, clinic, f"{asked}2", "next"):
        latest, begun = address, begun + 1
        assert not made.gone & {id_ for id_, _ in page}
        found += page
        for _ in range(chance.randrange(4)):
            await made.disturb()
    back: list[Page] = []
    # A page alone has no link, and asked for again is a search of its own.
    async for _, page in _pages(world, clinic, latest if begun > 1 else f"{asked}0", "previous"):
        assert not made.gone & {id_ for id_, _ in page}
        back.append(page)
        await made.disturb()

    left = [one for one in expected if one[0] not in made.gone]
    assert [one for one in found if one[0] not in made.gone] == left
    assert len({id_ for id_, _ in found}) == len(found)
    assert begun == 1 or [one for page in reversed(back) for one in page if one[0] not in made.gone] == left


@pytest.mark.parametrize(("count", "size"), [(1, 5), (2, 5), (5, 5), (3, 7), (4, 8), (50, 3)])
async def test_walking_forwards_and_back_comes_to_the_same_pages(world: World, count: int, size: int) -> None:
    own = await world.client("hospital-a")
    for number in range(size):
        await world.post(own, a_patient(birthDate=f"19{60 + number % 3}-01-02"))
    begin = f"/fhir/Patient?_sort=-birthdate&_count={count}"

    forwards = [one async for one in _pages(world, own, begin, "next")]
    backwards = [one async for one in _pages(world, own, forwards[-1][0], "previous")]
    links = _links((await world.http.get(begin, headers=own)).json())
    from_last = [one async for one in _pages(world, own, links.get("last", begin), "previous")]

    assert [len(page) for _, page in forwards] == [count] * (size // count) + [size % count] * bool(size % count)
    assert [page for _, page in reversed(backwards)] == [page for _, page in forwards]
    assert [page for _, page in reversed(from_last)] == [page for _, page in forwards]
    assert ("next" in links) is ("last" in links) is (size > count)
    assert "previous" not in links


async def test_several_types_are_walked_both_ways(world: World) -> None:
    own = await world.client("hospital-a")
    patients = [(await world.post(own, a_patient()))["id"] for _ in range(3)]
    for number in range(6):
        await world.post(own, an_observation(patients[number % 3]))
    begin = "/fhir?_type=Observation,Patient&_sort=-_lastUpdated&_count=2"

    forwards = [one async for one in _pages(world, own, begin, "next")]
    backwards = [one async for one in _pages(world, own, forwards[-1][0], "previous")]

    assert [len(page) for _, page in forwards] == [2, 2, 2, 2, 1]
    assert [page for _, page in reversed(backwards)] == [page for _, page in forwards]


async def test_what_is_hidden_meanwhile_is_on_no_later_page(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(own, a_patient()))["id"]
    consent = await world.post(own, a_consent(patient, "clinic-c"))
    for _ in range(3):
        await world.post(own, an_observation(patient))
    first = (await world.http.get("/fhir/Observation?_count=2", headers=clinic)).json()
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=own, json={**consent, "status": "inactive"})

    second = (await world.http.get(_links(first)["next"], headers=clinic)).json()

    assert (first["total"], len(first["entry"])) == (3, 2)
    assert (second["total"], second.get("entry")) == (0, None)


async def test_a_label_that_is_given_meanwhile_hides_the_version_of_then(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(own, a_patient()))["id"]
    await world.post(own, a_consent(patient, "clinic-c"))
    made = [await world.post(own, an_observation(patient)) for _ in range(3)]
    first = (await world.http.get("/fhir/Observation?_count=2", headers=clinic)).json()
    (later,) = {one["id"] for one in made} - {one["resource"]["id"] for one in first["entry"]}
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    body = an_observation(patient, id=later, meta={"security": security})
    assert (await world.http.put(f"/fhir/Observation/{later}", headers=own, json=body)).status_code == 200

    second = (await world.http.get(_links(first)["next"], headers=clinic)).json()

    assert (second["total"], second.get("entry")) == (2, None)


async def test_a_list_names_what_it_named_at_the_first_page(world: World) -> None:
    _stepping(world)
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    made = [(await world.post(own, an_observation(patient)))["id"] for _ in range(4)]
    entries = [{"item": {"reference": f"Observation/{one}"}} for one in made]
    listed = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "subject": {"reference": f"Patient/{patient}"},
    }
    kept = await world.post(own, {**listed, "entry": entries[:3]})
    first = (await world.http.get(f"/fhir/Observation?_list={kept['id']}&_count=2&_sort=_id", headers=own)).json()
    await world.http.put(f"/fhir/List/{kept['id']}", headers=own, json={**kept, "entry": entries[3:]})

    second = (await world.http.get(_links(first)["next"], headers=own)).json()

    found = [one["resource"]["id"] for page in (first, second) for one in page["entry"]]
    assert found == sorted(made[:3])


async def test_a_later_page_leads_to_the_others(world: World) -> None:
    own = await world.client("hospital-a")
    for _ in range(3):
        await world.post(own, a_patient())
    first = (await world.http.get("/fhir/Patient?_count=1", headers=own)).json()
    links = _links(first)

    second = _links((await world.http.get(links["next"], headers=own)).json())
    last = _links((await world.http.get(second["next"], headers=own)).json())

    assert set(links) == {"self", "next", "last"}
    assert set(second) == {"self", "first", "previous", "next", "last"}
    assert set(last) == {"self", "first", "previous"}
    assert (second["self"], second["first"]) == (links["self"], links["self"])


async def _index(world: World) -> int:
    """Return how many index rows there are."""
    return sum([len(await world.hub.database.reader.fetch(select(table), {})) for table in INDEX_TABLES])


async def _next_of_an_updated_one(world: World, own: dict[str, str]) -> tuple[str, str, int]:
    """Return a link to a page whose only Patient was updated, its id, and how many index rows there were before."""
    made = [(await world.post(own, a_patient(active=True)))["id"] for _ in range(2)]
    first = (await world.http.get("/fhir/Patient?active=true&_count=1", headers=own)).json()
    (later,) = {*made} - {first["entry"][0]["resource"]["id"]}
    before = await _index(world)
    body = a_patient(id=later, active=False)
    assert (await world.http.put(f"/fhir/Patient/{later}", headers=own, json=body)).status_code == 200
    return _links(first)["next"], later, before


async def test_reindexing_leaves_what_later_pages_read(world: World) -> None:
    own = await world.client("hospital-a")
    link, later, _ = await _next_of_an_updated_one(world, own)
    async for _ in reindex_types(world.hub, ["Patient"], again=True):
        pass

    page = (await world.http.get(link, headers=own)).json()

    assert [(one["resource"]["id"], one["resource"]["active"]) for one in page["entry"]] == [(later, True)]


async def test_a_link_ends_with_what_it_leads_to(world: World) -> None:
    own = await world.client("hospital-a")
    link, _, before = await _next_of_an_updated_one(world, own)
    kept = await _index(world)
    await superseded.clear(world.hub)
    early = await _index(world)
    clock, hours = world.hub.clock, world.hub.settings.page_link_hours
    world.hub.clock = lambda: clock() + (hours * HOUR + 2 * superseded.MARGIN)
    own = await world.client("hospital-a", purpose="TREAT")

    while await superseded.clear(world.hub):
        pass
    expired = await world.http.get(link, headers=own)

    assert kept == early > before
    assert await _index(world) == before
    assert (expired.status_code, expired.json()["issue"][0]["expression"]) == (410, ["_cursor"])
    assert await world.total(own, "Patient?active=true") == 1


async def test_a_page_of_which_nothing_is_left_tells_the_total_and_leads_back(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    made = [(await world.post(own, an_observation(patient)))["id"] for _ in range(3)]
    first = (await world.http.get(f"/fhir/Observation?patient={patient}&_count=2", headers=own)).json()
    shown = [one["resource"]["id"] for one in first["entry"]]
    (later,) = {*made} - {*shown}
    assert (await world.http.delete(f"/fhir/Observation/{later}", headers=own)).status_code == 204

    second = (await world.http.get(_links(first)["next"], headers=own)).json()
    back = (await world.http.get(_links(second)["previous"], headers=own)).json()

    assert (second["total"], second.get("entry")) == (2, None)
    assert [one["resource"]["id"] for one in back["entry"]] == shown
