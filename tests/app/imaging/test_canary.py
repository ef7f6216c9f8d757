"""Hidden images change no answer: what a stranger gets is, byte for byte, what it got before they were stored.

Before and after a site stores images of a hidden Patient, every role of another site, and every role of the site itself
that sees no images, asks: every DICOMweb service that reads, for the hidden UIDs and for those of a study of which the
stranger has an instance too; every search at every level, with and without the hidden value of each attribute; what
speaks of images at the FHIR door; and, with a session, the portal's pages. A service or an attribute that is new is
asked about without more ado, or fails in tests/canary_images.py until it is told how.
"""

import asyncio
from collections.abc import Iterable

import pytest
from sqlalchemy import bindparam, select

from app.access.caller import ROLES
from app.access.identify import COOKIE
from app.consent.decide import SEES, SEES_EVERYWHERE
from app.identity.link import link
from app.identity.tables import person_patient
from app.imaging.services import SERVICES
from fhir.store.categories import Category
from fhir.store.tables import resource
from tests.app.imaging.images import CT, a_file, send, stored
from tests.asgi import Answer
from tests.canary import CANARY, found_in
from tests.canary_images import (
    INSTANCE,
    OWN_SERIES,
    OWNER,
    PATIENT_ID,
    SERIES,
    SHARED_INSTANCE,
    SHARED_STUDY,
    STRANGER,
    STUDY,
    ask,
    plant,
    searches,
    shown,
)
from tests.portal import a_session
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

Answers = dict[tuple[str, str], Answer]
"""By the name of the caller and the address."""

_PERSON = (
    select(person_patient.c.person)
    .join(
        resource, (resource.c.patient_key == person_patient.c.patient_key) & (resource.c.row == resource.c.patient_key)
    )
    .where(resource.c.id == bindparam("id"))
)

BLIND = [role for role in ROLES if not SEES[role] >> Category.IMAGING & 1]
"""Roles that see no images, not even of their own site."""


async def systems(world: World) -> dict[str, dict[str, str]]:
    """Return the headers of a client of each role that may not see the hidden images."""
    named = [(STRANGER, role) for role in ROLES] + [(OWNER, role) for role in BLIND]
    return {f"{role} of {site}": await world.client(site, role=role) for site, role in named}


async def people(world: World) -> dict[str, dict[str, str]]:
    """Return the headers of a person of each role at the stranger's that does not see the Patients of every site."""
    return {
        role: {"Cookie": f"{COOKIE}={await a_session(world, STRANGER, role)}"}
        for role in ROLES
        if role not in SEES_EVERYWHERE
    }


async def asked(world: World, callers: dict[str, dict[str, str]], addresses: Iterable[str]) -> Answers:
    """Return what each caller is answered at each address."""
    found: Answers = {}

    async def one(name: str, headers: dict[str, str]) -> None:
        for address in addresses:
            found[name, address] = answer = await ask(world, address, headers)
            assert answer.status < 500, (name, address, answer.body)

    await asyncio.gather(*(one(*caller) for caller in callers.items()))
    return found


async def own_images(world: World) -> str:
    """Store the stranger's own instance and return the id of its Patient."""
    stranger = await world.client(STRANGER)
    own = a_file(CT, StudyInstanceUID=SHARED_STUDY, SeriesInstanceUID=OWN_SERIES, SOPInstanceUID=SHARED_INSTANCE)
    await stored(world, stranger, own)
    (entry,) = (await world.http.get("/fhir/Patient", headers=stranger)).json()["entry"]
    return str(entry["resource"]["id"])


async def make_one_person(world: World, *patients: str) -> None:
    async with world.hub.database.write() as connection:
        persons = [(await connection.fetch(_PERSON, {"id": id_}))[0][0] for id_ in patients]
        await link(connection, *persons)


def leaks(answers: Answers) -> list[tuple[str, str]]:
    """Return who was told the canary where; a query that holds it may be repeated on a page."""
    return [key for key, answer in answers.items() if CANARY not in key[1] and found_in(answer.octets)]


def differences(before: Answers, after: Answers) -> list[tuple[tuple[str, str], Answer, Answer]]:
    return [(key, before[key], after[key]) for key in before if before[key] != after[key]]


def test_every_service_is_asked_for_the_hidden_uids() -> None:
    assert {service.code for service in SERVICES.values()} == {*("qido", "wado", "stow", "dicom-delete", "options")}
    assert len(searches()) > 6 * 40
    assert len(shown()) == len(set(shown()))
    for uid in (STUDY, SERIES, INSTANCE, SHARED_STUDY, OWN_SERIES, SHARED_INSTANCE):
        assert any(uid in address for address in shown())


async def test_the_owner_gets_the_canary_by_every_service(world: World) -> None:
    await plant(world)
    owner = {"owner": await world.client(OWNER)}

    given = await asked(world, owner, shown())
    found = await asked(world, owner, searches())

    assert {answer.status for answer in given.values()} == {200}
    silent = {address.rpartition("/")[2] for _, address in given if not found_in(given["owner", address].octets)}
    assert {last.partition("?")[0] for last in silent} == {"rendered", "thumbnail", "wado"}
    # Only what cannot be matched at its level, and the second page of one result, is without it.
    refused = [address for (_, address), answer in found.items() if answer.status == 400]
    nothing = [address for (_, address), answer in found.items() if answer.body == b"[]"]
    matched = [address for _, address in found if address not in {*refused, *nothing}]
    assert [address for address in matched if not found_in(found["owner", address].octets)] == []
    assert not any(address.startswith("/dicomweb/instances?") for address in refused)
    assert [address for address in nothing if "offset=1" not in address] == []


async def test_hidden_images_change_no_answer(world: World) -> None:
    await own_images(world)
    addresses = [*shown(), *searches()]
    callers = await systems(world)
    before = await asked(world, callers, addresses)

    await plant(world)
    after = await asked(world, callers, addresses)

    assert differences(before, after) == []
    assert leaks(after) == []
    # The stranger's own copy is there, so that what is compared is more than refusals.
    own = f"/dicomweb/studies/{SHARED_STUDY}/series/{OWN_SERIES}/instances/{SHARED_INSTANCE}"
    assert after[f"doctor of {STRANGER}", own].status == 200
    assert after[f"doctor of {STRANGER}", f"/dicomweb/studies/{STUDY}"].status == 404


async def test_no_page_and_no_picture_changes_for_a_person(world: World) -> None:
    # The page shows when it was printed.
    now = world.hub.clock()
    world.hub.clock = lambda: now
    own = await own_images(world)
    callers = await people(world)
    addresses = [
        *shown(),
        *(address for address in searches() if "?" not in address),
        *(f"/patients/{own}{query}" for query in ("", "?view=results", "?kind=image", f"?site={OWNER}")),
        *(f"/patients/{PATIENT_ID}{query}" for query in ("", "?view=results", "?kind=image")),
        *(f"/patients?q={text}" for text in ("", CANARY, f"{CANARY} text", "1951-02-03")),
        *(f"/consents?patient={id_}" for id_ in (own, PATIENT_ID)),
    ]
    before = await asked(world, callers, addresses)

    await plant(world)
    await make_one_person(world, own, PATIENT_ID)
    after = await asked(world, callers, addresses)

    assert differences(before, after) == []
    assert leaks(after) == []
    page = after["doctor", f"/patients/{own}"]
    assert page.status == 200
    assert f"/dicomweb/studies/{SHARED_STUDY}/series/{OWN_SERIES}/thumbnail".encode() in page.body


async def test_what_fhir_says_of_images_stays_as_it_was(world: World) -> None:
    now = world.hub.clock()
    world.hub.clock = lambda: now
    own = await own_images(world)
    callers = {name: headers for name, headers in (await systems(world)).items() if name.endswith(STRANGER)}
    callers.pop(f"secretariat of {STRANGER}")
    addresses = [
        *(f"/fhir/ImagingStudy{query}" for query in ("", "?_summary=count", f"?identifier=urn:oid:{STUDY}")),
        *(f"/fhir/ImagingStudy?{query}" for query in ("started=2024-09-17", f"patient={PATIENT_ID}", f"patient={own}")),
        *(f"/fhir/ImagingStudy?{name}={uid}" for name, uid in (("series", SERIES), ("instance", INSTANCE))),
        *(f"/fhir/DocumentReference?{name}=urn:oid:{STUDY}" for name in ("study-instance-uid", "accession-number")),
        *(f"/fhir/DocumentReference?{query}" for query in ("modality=CT", "body-site=67734004")),
        *(f"/fhir/Patient{query}" for query in ("", "?name=KanariaX7", "?_revinclude=ImagingStudy:patient")),
        *(f"/fhir/Patient/{id_}/{rest}" for id_ in (own, PATIENT_ID) for rest in ("$summary", "_history")),
    ]
    before = await asked(world, callers, addresses)

    await plant(world)
    await make_one_person(world, own, PATIENT_ID)
    (hidden, *_) = await imaging_studies(world)
    after = await asked(world, callers, addresses)

    assert differences(before, after) == []
    assert leaks(after) == []
    ways_there = ("", "/_history", "/$original", "/$manifest", "/$manifest?form=kos")
    for ways in (f"/fhir/ImagingStudy/{{}}{way}" for way in ways_there):
        there = await asked(world, callers, [ways.format(hidden)])
        never = await asked(world, callers, [ways.format("0" * len(hidden))])
        assert [(a.status, a.body.replace(hidden.encode(), b"0" * len(hidden))) for a in there.values()] == [
            (a.status, a.body) for a in never.values()
        ]


async def imaging_studies(world: World) -> list[str]:
    """Return the ids of the owner's, the wholly hidden one first."""
    found = (await world.http.get("/fhir/ImagingStudy", headers=await world.client(OWNER))).json()["entry"]
    assert len(found) == 2
    return [str(entry["resource"]["id"]) for entry in sorted(found, key=lambda one: STUDY not in str(one))]


async def test_storing_under_a_hidden_uid_tells_nothing(world: World) -> None:
    await plant(world)
    callers = {role: await world.client(STRANGER, role=role) for role in ROLES}
    answers = {}

    for role, headers in callers.items():
        for places in ((STUDY, SERIES, INSTANCE), ("1.2.3.1", "1.2.3.2", "1.2.3.3")):
            study, series, instance = places
            image = a_file(CT, StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=instance)
            response = await send(world, headers, image, study=study)
            text = response.text
            for uid, name in zip(places, ("STUDY", "SERIES", "INSTANCE"), strict=True):
                text = text.replace(uid, name)
            answers[role, places] = response.status_code, text

        assert answers[role, (STUDY, SERIES, INSTANCE)] == answers[role, places]

    assert [role for role in ROLES if answers[role, places][0] == 200] == ["system"]
    # What the stranger has of the hidden UIDs now is its own.
    after = await asked(world, {"doctor": callers["doctor"]}, [*shown(), *searches()])
    assert leaks(after) == []
