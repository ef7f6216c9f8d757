"""A person known at two sites, and breaking the glass for the record that the other one keeps."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import bindparam, select

from app.identity.link import link
from app.identity.person import person_of
from fhir.store.tables import resource
from tests.portal import PASSWORD, Browser
from tests.world import World, a_patient, an_observation

_KEY = select(resource.c.patient_key).where(resource.c.id == bindparam("id"))
PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
UNDELIVERED = {"system": "http://renkei.example/fhir/CodeSystem/disclosure", "code": "UNDELIVERED"}


@dataclass
class Known:
    """A person at hospital-a, whose records these are, and at clinic-c, where somebody needs them."""

    there: str
    """The id of hospital-a's Patient."""
    here: str
    """The id of clinic-c's Patient."""
    ordinary: str
    """The id of an Observation of hospital-a; the others likewise."""
    sensitive: str
    undelivered: str


async def same(world: World, one: str, other: str) -> None:
    """Make two Patients one person."""
    reader = world.hub.database.reader
    persons = []
    for id_ in (one, other):
        key = (await reader.fetch(_KEY, {"id": id_}))[0][0]
        persons.append(await person_of(reader, key) or 0)
    async with world.hub.database.write() as connection:
        await link(connection, *persons)


async def a_known_person(world: World) -> Known:
    """Make the person, without any Consent."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    there = (await world.post(hospital, a_patient()))["id"]
    here = (await world.post(clinic, a_patient()))["id"]
    await same(world, here, there)
    made = [
        (await world.post(hospital, an_observation(there, **fields)))["id"]
        for fields in ({}, {"meta": {"security": [PSY]}}, {"meta": {"security": [UNDELIVERED]}})
    ]
    return Known(there, here, *made)


async def break_glass(browser: Browser, patient: str, **fields: str) -> httpx.Response:
    """Send the form; a field given as None is left out."""
    form: dict[str, Any] = {
        "patient": patient,
        "code": "unconscious",
        "reason": "意識不明で搬送された",
        "password": PASSWORD,
        **fields,
    }
    return await browser.post("/break-glass", form)


async def reads(browser: Browser, *observations: str) -> list[int]:
    """Return the statuses of reading Observations with the browser's session."""
    return [(await browser.get(f"/fhir/Observation/{id_}")).status_code for id_ in observations]


async def case_of(browser: Browser) -> str:
    """Return the number of the newest case that a person sees."""
    page = await browser.get("/break-glass/cases")
    return re.findall(r'href="/break-glass/cases/(\d+)"', page.text)[0]
