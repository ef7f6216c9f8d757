"""Hidden reports change no answer: what a stranger is told, by FHIR and by the portal, is what it was before they came.

The hidden instances say the canary in every text: a report, a dose, a file, key images, and the order of their study.
"""

from typing import Any

import pytest

from tests.app.imaging.images import send
from tests.app.imaging.reports.test_filing import an_order
from tests.app.imaging.test_canary import asked, differences, leaks, make_one_person, own_images, people, systems
from tests.canary import CANARY, found_in
from tests.canary_images import OWNER, PATIENT_ID, SHARED_STUDY, STRANGER, plant
from tests.reports import (
    CT_DOSE,
    FINDING,
    a_document,
    a_report,
    container,
    number,
    picture,
    some_key_images,
    text,
)
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

STUDY = "1.2.392.77703.1"
INSTANCES = tuple(f"1.2.392.77703.{number}" for number in range(2, 6))
WORDS = f"{CANARY} text"


def hidden_reports() -> list[bytes]:
    """Return instances of the hidden Patient that are no images."""
    more: dict[str, Any] = {
        "StudyInstanceUID": STUDY,
        "AccessionNumber": f"{CANARY}-A",
        "StudyDescription": WORDS,
        "SeriesDescription": WORDS,
        "PatientID": WORDS,
        "IssuerOfPatientID": "",
    }
    said = container(("1", "99X", WORDS), text(FINDING, WORDS))
    total = number(("113813", "DCM", WORDS), "612.75", "mGy.cm")
    protocol = text(("125203", "DCM", "Acquisition Protocol"), WORDS)
    dose = container(("113701", "DCM", WORDS), total, container(("113819", "DCM", "CT Acquisition"), protocol))
    report, of_dose, file, keys = INSTANCES
    return [
        a_report(said, instance=report, **more),
        a_report(dose, sop_class=CT_DOSE, instance=of_dose, **more),
        a_document(f"%PDF {CANARY}".encode(), **{**more, "instance": file, "DocumentTitle": WORDS}),
        some_key_images(picture(), **{**more, "instance": keys, "SeriesInstanceUID": f"{keys}.9"}),
    ]


async def plant_reports(world: World) -> None:
    """Store the hidden Patient with images, reports and the order of these."""
    await plant(world)
    owner = await world.client(OWNER)
    assert (await send(world, owner, *hidden_reports())).status_code == 200
    await world.post(owner, an_order(PATIENT_ID, f"{CANARY}-A", code={"text": WORDS}))


def pages(patient: str) -> list[str]:
    """Return every page that may tell of the hidden instances."""
    return [
        # The stranger has an instance of the shared study, too.
        *(f"/studies/{study}{rest}" for study in (STUDY, SHARED_STUDY) for rest in ("", "/doses.csv")),
        *(f"/studies/{STUDY}/objects/{uid}" for uid in INSTANCES),
        *(f"/studies/{STUDY}/objects/{INSTANCES[2]}/content/0{rest}" for rest in ("", "/pictures/0", "/files/0")),
        *(f"/patients/{id_}{rest}" for id_ in (patient, PATIENT_ID) for rest in ("", "/doses", "/doses.csv")),
    ]


def searches(patient: str) -> list[str]:
    """Return what is asked by FHIR."""
    types = ("DiagnosticReport", "Observation", "DocumentReference", "Provenance", "ServiceRequest", "ImagingStudy")
    return [
        *(f"/fhir/{one}{query}" for one in types for query in ("", "?_summary=count", "?_text=KanariaX7")),
        *(f"/fhir/{one}?patient={patient}" for one in types if one != "Provenance"),
        *(f"/fhir/{one}?identifier=urn:oid:{uid}" for one in types[:3] for uid in INSTANCES),
        f"/fhir/ImagingStudy?identifier=urn:oid:{STUDY}",
        f"/fhir/ServiceRequest?identifier={CANARY}-A",
        f"/fhir/Patient/{patient}/$everything",
    ]


async def test_the_owner_is_told_the_canary(world: World) -> None:
    await plant_reports(world)

    found = await asked(world, {"owner": await world.client(OWNER)}, searches(PATIENT_ID))

    heard = {address.partition("?")[0] for (_, address), answer in found.items() if found_in(answer.octets)}
    assert {"/fhir/DiagnosticReport", "/fhir/Observation", "/fhir/DocumentReference", "/fhir/ServiceRequest"} <= heard


async def test_hidden_reports_change_no_answer(world: World) -> None:
    # Pages show when they were printed, searches when they were answered.
    now = world.hub.clock()
    world.hub.clock = lambda: now
    own = await own_images(world)
    callers = {name: headers for name, headers in (await systems(world)).items() if name.endswith(STRANGER)}
    callers.pop(f"secretariat of {STRANGER}")
    persons = await people(world)
    before = await asked(world, callers, searches(own)) | await asked(world, persons, pages(own))

    await plant_reports(world)
    await make_one_person(world, own, PATIENT_ID)
    after = await asked(world, callers, searches(own)) | await asked(world, persons, pages(own))

    assert differences(before, after) == []
    assert leaks(after) == []
    assert after["doctor", f"/patients/{own}/doses"].status == 200
    assert after["doctor", f"/studies/{STUDY}"].status == 404
    assert after["doctor", f"/studies/{SHARED_STUDY}"].status == 200
