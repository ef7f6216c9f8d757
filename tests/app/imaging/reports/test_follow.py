"""What a study and what its instances say are based on: the same in the end, in whichever order things come."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from fhir.documents.provenance import POLICY
from tests.app.imaging.images import a_file, stored
from tests.app.imaging.reports.test_filing import HIV, an_order, found
from tests.reports import STUDY, a_ct_dose, a_document, a_reading, some_key_images
from tests.world import World

pytestmark = pytest.mark.anyio

TYPES = ("ImagingStudy", "DiagnosticReport", "Observation", "DocumentReference")


class Site:
    """A site with a patient, who has an order and images."""

    def __init__(self, world: World, headers: dict[str, str], number: str) -> None:
        self.world, self.headers, self.number = world, headers, number
        self.orders: list[dict[str, Any]] = []
        self.label_of_order: list[dict[str, str]] = []
        self.uids = {"StudyInstanceUID": f"{STUDY}.{number}", "PatientID": number, "AccessionNumber": f"A-{number}"}
        self.patient = ""

    @property
    def order(self) -> dict[str, Any]:
        """The first order; empty before it is placed."""
        return self.orders[0] if self.orders else {}

    async def arrive(self) -> None:
        """Make the patient."""
        named = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": self.number}
        self.patient = (
            await self.world.post(self.headers, {"resourceType": "Patient", "identifier": [named], "gender": "male"})
        )["id"]

    async def images(self) -> None:
        """Store a report, a dose, a document and key images."""
        made = (a_reading, a_ct_dose, some_key_images)
        files = [
            one(
                instance=f"1.2.392.66.{self.number}.{at}",
                SeriesInstanceUID=f"1.2.392.66.{self.number}.{at}.9",
                **self.uids,
            )
            for at, one in enumerate(made)
        ]
        files.append(a_document(b"%PDF-1.4", instance=f"1.2.392.66.{self.number}.8", **self.uids))
        await stored(self.world, self.headers, *files)

    async def place(self, **fields: Any) -> None:
        """Place the order, or change it."""
        number = fields.pop("number", f"A-{self.number}")
        if self.label_of_order:
            fields["meta"] = {"security": self.label_of_order}
        body = an_order(self.patient, number, **fields)
        if self.order:
            address = f"/fhir/ServiceRequest/{self.order['id']}"
            answer = await self.world.http.put(address, headers=self.headers, json=body | {"id": self.order["id"]})
            assert answer.status_code == 200, answer.text
        else:
            self.orders.append(await self.world.post(self.headers, body))

    async def another(self) -> None:
        """Place a second order of the same number."""
        self.orders.append(await self.world.post(self.headers, an_order(self.patient, f"A-{self.number}")))

    async def mark(self) -> None:
        """Label the order, whether it is there or not."""
        self.label_of_order = [HIV]
        if self.order:
            await self.place()

    async def delete(self) -> None:
        """Delete the order."""
        await self.world.http.delete(f"/fhir/ServiceRequest/{self.order['id']}", headers=self.headers)

    async def label(self) -> None:
        """Label the study."""
        (study,) = await found(self.world, self.headers, f"ImagingStudy?patient={self.patient}")
        study["meta"]["security"] = [HIV]
        answer = await self.world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=self.headers, json=study)
        assert answer.status_code == 200, answer.text

    async def based(self) -> dict[str, list[set[str]]]:
        """Return what each type of resource says it is based on, and how many there are."""
        said: dict[str, list[set[str]]] = {}
        for name in TYPES:
            there = await found(self.world, self.headers, f"{name}?patient={self.patient}")
            there = [one for one in there if one.get("content", [{}])[0].get("attachment", {}).get("title") != "紹介状"]
            assert len(there) == (2 if name == "DocumentReference" else 1), name
            for one in there:
                links = one.get("basedOn", ()) or one.get("context", {}).get("related", ())
                links = {each["reference"] for each in links if "ServiceRequest/" in each["reference"]}
                said.setdefault(name, []).append(links)
        return said


ALL = {"ImagingStudy": 1, "DiagnosticReport": 1, "Observation": 1, "DocumentReference": 2}


def all_say(*links: str) -> dict[str, list[set[str]]]:
    """Return what is said when each resource names these orders."""
    return {name: [set(links)] * count for name, count in ALL.items()}


def a_document_reference(patient: str) -> dict[str, Any]:
    """Return a letter from which an order was taken."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "text/plain", "title": "紹介状"}}],
    }


async def a_site(world: World, number: str) -> Site:
    """Return a site with a new patient."""
    site = Site(world, await world.client("hospital-a"), number)
    await site.arrive()
    return site


HISTORIES: dict[str, tuple[list[tuple[str, dict[str, Any]]], bool]] = {
    "placed": ([("place", {})], True),
    "corrected to the study's number": ([("place", {"number": "wrong"}), ("place", {})], True),
    "corrected to another number": ([("place", {}), ("place", {"number": "another"})], False),
    "entered in error": ([("place", {}), ("place", {"status": "entered-in-error"})], False),
    "in error, and placed after all": (
        [("place", {}), ("place", {"status": "entered-in-error"}), ("place", {})],
        True,
    ),
    "cancelled": ([("place", {}), ("place", {"status": "revoked"})], True),
    "deleted": ([("place", {}), ("delete", {})], False),
    "labelled": ([("place", {}), ("place", {"meta": {"security": [HIV]}})], False),
}
"""What happens to an order, and whether the study and what it says is based on it in the end."""


@pytest.mark.parametrize("name", HISTORIES)
async def test_what_is_based_on_an_order_is_the_same_whenever_the_images_come(world: World, name: str) -> None:
    steps, is_based = HISTORIES[name]
    found_at: list[Any] = []

    for at in range(len(steps) + 1):
        site = await a_site(world, f"7{list(HISTORIES).index(name)}{at}")
        for number in range(len(steps) + 1):
            if number == at:
                await site.images()
            if number < len(steps):
                await getattr(site, steps[number][0])(**steps[number][1])
        found_at.append(await site.based() == all_say(*([f"ServiceRequest/{site.order['id']}"] if is_based else [])))

    assert found_at == [True] * (len(steps) + 1)


async def test_a_labelled_order_joins_a_study_that_gets_its_label_in_any_order(world: World) -> None:
    found_at = []

    for at, steps in enumerate(permutations(("place", "mark", "label"))):
        site = await a_site(world, f"9{at}")
        await site.images()
        before = await site.based()
        for one in steps:
            await getattr(site, one)()
        found_at.append((before == all_say(), await site.based() == all_say(f"ServiceRequest/{site.order['id']}")))

    assert found_at == [(True, True)] * 6


async def test_an_order_that_is_placed_while_the_images_are_stored_is_theirs(world: World) -> None:
    sites = [await a_site(world, f"6{at}") for at in range(6)]

    for site in sites:
        await asyncio.gather(site.images(), site.place())

    said = [await site.based() == all_say(f"ServiceRequest/{site.order['id']}") for site in sites]
    assert said == [True] * 6


async def test_an_order_that_gets_a_label_from_its_document_leaves_the_study(world: World) -> None:
    site = await a_site(world, "51")
    document = await world.post(site.headers, a_document_reference(site.patient))
    await site.place()
    await site.images()
    link, subject = f"ServiceRequest/{site.order['id']}", {"reference": f"Patient/{site.patient}"}
    await world.post(
        site.headers,
        {
            "resourceType": "Provenance",
            "target": [{"reference": link}, subject],
            "policy": [POLICY],
            "recorded": "2026-01-01T00:00:00Z",
            "agent": [{"who": {"display": "地域連携室"}}],
            "entity": [{"role": "source", "what": {"reference": f"DocumentReference/{document['id']}"}}],
        },
    )
    before = await site.based()

    document["meta"]["security"] = [HIV]
    answer = await world.http.put(f"/fhir/DocumentReference/{document['id']}", headers=site.headers, json=document)

    assert answer.status_code == 200, answer.text
    assert before == all_say(link)
    assert await site.based() == all_say()


async def test_what_a_site_says_of_its_own_study_stays_while_the_order_changes(world: World) -> None:
    site = await a_site(world, "52")
    await site.place(number="of another system")
    own = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{site.uids['StudyInstanceUID']}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{site.patient}"},
        "basedOn": [{"reference": f"ServiceRequest/{site.order['id']}"}],
    }
    study = await world.post(site.headers, own)

    await site.place(number="of a third system")

    (now,) = await found(world, site.headers, f"ImagingStudy?patient={site.patient}")
    assert now == study


async def test_what_the_instances_of_a_sites_own_study_say_follows_the_order(world: World) -> None:
    site = await a_site(world, "53")
    await world.post(
        site.headers,
        {
            "resourceType": "ImagingStudy",
            "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{site.uids['StudyInstanceUID']}"}],
            "status": "available",
            "subject": {"reference": f"Patient/{site.patient}"},
        },
    )
    await site.images()

    await site.place()

    link = {f"ServiceRequest/{site.order['id']}"}
    assert await site.based() == all_say(*link) | {"ImagingStudy": [set()]}


async def test_what_instances_say_follows_when_the_study_learns_its_number(world: World) -> None:
    site = await a_site(world, "54")
    await site.place(number="A-late")
    await site.images()
    before = await site.based()

    # An image's word goes before that of reports.
    image = a_file(SOPInstanceUID="1.2.392.66.54.77", **site.uids | {"AccessionNumber": "A-late"})
    await stored(world, site.headers, image)

    assert before == all_say()
    assert await site.based() == all_say(f"ServiceRequest/{site.order['id']}")


async def test_two_orders_of_a_study_join_it_in_any_order(world: World) -> None:
    found_at = []

    for at, steps in enumerate(permutations(("images", "place", "another"))):
        site = await a_site(world, f"8{at}")
        for one in steps:
            await getattr(site, one)()
        found_at.append(await site.based() == all_say(*(f"ServiceRequest/{one['id']}" for one in site.orders)))

    assert found_at == [True] * 6
