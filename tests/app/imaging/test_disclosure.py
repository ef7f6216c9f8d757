"""Consent and audit at the DICOMweb doors: the hidden does not exist, and what is shown is on record."""

import asyncio
import re
from typing import Any

import pytest

from app.access import directory
from app.access.tables import session
from app.access.tokens import digest
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.imaging.services import SERVICES
from tests.app.imaging.images import CT, MULTI_FRAME, a_file, address, send, stored, uids
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

FILE = a_file(CT)
STUDY, SERIES, INSTANCE = uids(FILE)
ROUTES = [
    f"/dicomweb/studies/{STUDY}",
    f"/dicomweb/studies/{STUDY}/metadata",
    f"/dicomweb/studies/{STUDY}/thumbnail",
    f"/dicomweb/studies/{STUDY}/series/{SERIES}",
    f"/dicomweb/studies/{STUDY}/series/{SERIES}/metadata",
    f"/dicomweb/studies/{STUDY}/series/{SERIES}/thumbnail",
    address(FILE),
    f"{address(FILE)}/metadata",
    f"{address(FILE)}/thumbnail",
    f"{address(FILE)}/rendered",
    f"{address(FILE)}/frames/1",
    f"{address(FILE)}/frames/1/rendered",
    f"{address(FILE)}/frames/1/thumbnail",
    f"{address(FILE)}/bulkdata/7FE00010",
    *(
        f"{place}/{word}"
        for place in (f"/dicomweb/studies/{STUDY}", f"/dicomweb/studies/{STUDY}/series/{SERIES}", address(FILE))
        for word in ("bulkdata", "pixeldata", "rendered")
        if (place, word) != (address(FILE), "rendered")
    ),
    f"/dicomweb/wado?requestType=WADO&studyUID={STUDY}&seriesUID={SERIES}&objectUID={INSTANCE}",
]
SEARCHES = [
    "/dicomweb/studies",
    f"/dicomweb/studies?StudyInstanceUID={STUDY}",
    "/dicomweb/series",
    "/dicomweb/instances",
    f"/dicomweb/studies/{STUDY}/series",
    f"/dicomweb/studies/{STUDY}/instances",
    f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances",
]


def _form(route: str) -> str:
    """Return the form of an address: every UID and number a star."""
    path = route.partition("?")[0].removeprefix("/dicomweb/")
    return "/".join("*" if part[0].isdigit() else part for part in path.split("/"))


def test_every_service_that_reads_is_known_here() -> None:
    told = {form for method, form in SERVICES if method == "GET"} - {"capabilities"}
    assert {_form(route) for route in (*ROUTES, *SEARCHES)} == told


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer unknown"}, {"Cookie": "renkei_session=unknown"}])
async def test_every_address_needs_a_caller(world: World, headers: dict[str, str]) -> None:
    for method, form in SERVICES:
        for asked in (method, "HEAD", "OPTIONS"):
            response = await world.http.request(asked, f"/dicomweb/{form.replace('*', '1.2')}", headers=headers)

            assert response.status_code == 401


async def the_patient(world: World, caller: dict[str, str]) -> str:
    (entry,) = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"]
    return str(entry["resource"]["id"])


async def answers(world: World, caller: dict[str, str], routes: list[str]) -> list[int]:
    return [(await world.http.get(route, headers=caller)).status_code for route in routes]


async def results(world: World, caller: dict[str, str]) -> list[int]:
    return [len((await world.http.get(search, headers=caller)).json()) for search in SEARCHES]


def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Return a list that will hold every event the log is told of, which writes it as ever."""
    told: list[Event] = []
    append, stage = world.hub.audit.append, world.hub.audit.stage

    async def appended(events: Any) -> None:
        told.extend(events)
        await append(events)

    async def staged(connection: Any, events: Any) -> None:
        told.extend(events)
        await stage(connection, events)

    monkeypatch.setattr(world.hub.audit, "append", appended)
    monkeypatch.setattr(world.hub.audit, "stage", staged)
    monkeypatch.setattr(world.hub.episodes, "_append", appended)
    return told


async def test_every_route_knows_images_only_while_consent_holds(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, FILE)

    assert await answers(world, clinic, ROUTES) == [404] * len(ROUTES)
    assert await results(world, clinic) == [0] * len(SEARCHES)

    consent = await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))
    assert await answers(world, clinic, ROUTES) == [200] * len(ROUTES)
    assert await results(world, clinic) == [1] * len(SEARCHES)
    assert await world.total(clinic, "ImagingStudy") == 1

    # In the midst of an episode: what was recorded gives no right.
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"})
    assert await answers(world, clinic, ROUTES) == [404] * len(ROUTES)
    assert await results(world, clinic) == [0] * len(SEARCHES)


async def test_the_hidden_answers_as_the_unknown_does(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, FILE)

    for route in ROUTES:
        hidden = await world.http.get(route, headers=clinic)
        unknown = await world.http.get(route.replace(STUDY, "1.2.3.4.5"), headers=clinic)

        assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)


async def test_another_category_does_not_open_the_images(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, FILE)
    coding = {"system": "http://renkei.example/fhir/CodeSystem/category", "code": "laboratory"}
    consent = a_consent(await the_patient(world, hospital), "clinic-c", **{"class": [coding]})
    await world.post(hospital, consent)

    assert await answers(world, clinic, ROUTES) == [404] * len(ROUTES)


async def test_a_label_on_the_imaging_study_hides_its_images(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, FILE)
    await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    study = entry["resource"]
    study["meta"]["security"] = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]

    response = await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=study)

    assert response.status_code == 200
    assert await answers(world, clinic, ROUTES) == [404] * len(ROUTES)
    assert await results(world, clinic) == [0] * len(SEARCHES)
    assert await answers(world, hospital, ROUTES) == [200] * len(ROUTES)
    # What comes later is hidden as well, and the ImagingStudy keeps its label.
    await stored(world, hospital, a_file(CT, SOPInstanceUID="1.2.3.4"))
    assert await results(world, clinic) == [0] * len(SEARCHES)
    assert await world.total(clinic, "ImagingStudy") == 0


async def test_of_two_copies_one_is_shown(world: World) -> None:
    one, other, clinic = [await world.client(site) for site in ("hospital-a", "hospital-b", "clinic-c")]
    await stored(world, one, FILE)
    await stored(world, other, FILE)
    for hospital in (one, other):
        await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))

    found = (await world.http.get(f"/dicomweb/studies/{STUDY}/metadata", headers=clinic)).json()

    assert len(found) == 1
    assert await answers(world, clinic, ROUTES) == [200] * len(ROUTES)


async def test_an_office_sees_no_images(world: World) -> None:
    hospital, clerk = await world.client("hospital-a"), await world.client("hospital-a", role="clerk")
    await stored(world, hospital, FILE)

    assert await answers(world, clerk, ROUTES) == [404] * len(ROUTES)
    assert await results(world, clerk) == [0] * len(SEARCHES)


async def test_a_study_looked_at_is_one_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE, a_file(MULTI_FRAME))
    told = watched(world, monkeypatch)

    await answers(world, hospital, ROUTES)
    await asyncio.gather(*(world.http.get(ROUTES[1], headers=hospital) for _ in range(5)))

    (event,) = told
    assert (event.interaction, event.action, event.outcome) == ("wado", "R", "0")
    assert event.entities == (f"urn:oid:{STUDY}",)
    assert event.organisation == "Organization/hospital-a"
    assert event.custodian == "Organization/hospital-a"
    assert event.patient is not None
    assert event.patient.startswith("Patient/")


async def test_after_ten_minutes_it_is_another_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    told = watched(world, monkeypatch)
    await world.http.get(ROUTES[0], headers=hospital)
    now = world.hub.clock()
    monkeypatch.setattr(world.hub.episodes, "_clock", lambda: now + 599_000_000)
    await world.http.get(ROUTES[0], headers=hospital)
    assert len(told) == 1

    monkeypatch.setattr(world.hub.episodes, "_clock", lambda: now + 601_000_000)
    await world.http.get(ROUTES[0], headers=hospital)

    assert len(told) == 2


async def test_nothing_is_shown_when_it_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)

    async def refuse(_: Any) -> None:
        raise AuditUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(world.hub.episodes, "_append", refuse)
        patched.setattr(world.hub.audit, "append", refuse)
        assert await answers(world, hospital, ROUTES) == [503] * len(ROUTES)
        assert await answers(world, hospital, SEARCHES) == [503] * len(SEARCHES)
    assert await answers(world, hospital, ROUTES) == [200] * len(ROUTES)


async def test_a_search_is_recorded_for_each_patient_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE, a_file(MULTI_FRAME))
    told = watched(world, monkeypatch)

    await world.http.get("/dicomweb/studies?limit=5", headers=hospital)
    await world.http.get("/dicomweb/studies?PatientID=nobody", headers=hospital)

    assert [(one.interaction, one.action, one.query, one.entities) for one in told] == [
        ("qido", "E", "limit=5", ()),
        ("qido", "E", "limit=5", ()),
        ("qido", "E", "PatientID=nobody", ()),
    ]
    assert len({one.patient for one in told}) == 3


async def test_what_is_stored_is_recorded_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    told = watched(world, monkeypatch)

    await send(world, hospital, FILE, b"bad")
    await send(world, hospital, b"bad")

    first, made, second = told
    assert (first.interaction, first.action, first.outcome) == ("stow", "C", "0")
    assert (made.interaction, made.outcome, made.patient) == ("create", "0", None)
    assert re.fullmatch(r"Endpoint/[0-9a-z]+/_history/1", "".join(made.entities))
    assert first.entities == (f"urn:oid:{STUDY}",)
    assert first.patient == f"Patient/{await the_patient(world, hospital)}"
    assert (second.interaction, second.outcome, second.patient) == ("stow", "4", None)


async def test_a_consent_given_while_images_come_does_not_refuse_them(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    patient = await the_patient(world, hospital)

    async def slowly() -> Any:
        from tests.app.imaging.images import a_body

        body = a_body(a_file(CT, SOPInstanceUID="1.2.3.4"))
        yield body[:1000]
        await world.post(hospital, a_consent(patient, "clinic-c"))
        yield body[1000:]

    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    response = await world.http.post("/dicomweb/studies", headers=hospital | kind, content=slowly())

    assert response.status_code == 200


async def _session(world: World, site: str, role: str, *, must_change: bool = False) -> dict[str, str]:
    """Return the headers of a person who has signed in with a browser."""
    async with world.hub.database.write() as connection:
        organisation = await directory.find_organisation(connection, site)
        key = await directory.add_account(
            connection,
            name=f"{site}-{role}-{must_change}",
            title=role,
            organisation_key=organisation.key,
            role=role,
            password="",
            must_change=must_change,
        )
        now = world.hub.clock()
        secret = f"secret-{key}"
        await connection.insert(session, [(digest(secret), key, "TREAT", now, now, now + 60_000_000)])
    return {"cookie": f"renkei_session={secret}"}


async def test_a_browser_reads_images_and_sends_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    doctor = await _session(world, "hospital-a", "doctor")
    told = watched(world, monkeypatch)

    assert await answers(world, doctor, ROUTES) == [200] * len(ROUTES)
    assert [(one.user, one.client) for one in told] == [("hospital-a-doctor-False", "portal")]
    assert (await send(world, doctor, FILE)).status_code == 401


async def test_a_first_password_opens_no_images(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    doctor = await _session(world, "hospital-a", "doctor", must_change=True)

    assert await answers(world, doctor, ROUTES) == [403] * len(ROUTES)


async def test_each_purpose_is_an_episode_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    told = watched(world, monkeypatch)

    for purpose in ("TREAT", "HOPERAT", "TREAT"):
        caller = await world.client("hospital-a", purpose=purpose)
        assert (await world.http.get(ROUTES[0], headers=caller)).status_code == 200

    assert [one.purpose for one in told] == ["TREAT", "HOPERAT"]
