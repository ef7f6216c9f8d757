"""ImagingStudies that a site writes itself, with an Endpoint of its PACS."""

import asyncio
import base64
from typing import Any, cast

import pytest

from app.db.sqlite import SqliteDatabase
from app.imaging import stored as storing
from app.imaging.reports import follow
from app.records import commit
from tests.app.imaging.images import CT, a_file, address, parts_of, send, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import a_pacs
from tests.reports import a_reading
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

CT_IMAGE = "urn:oid:1.2.840.10008.5.1.4.1.1.2"


def _endpoint(address: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": "pacs",
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "dicom-wado-rs",
        },
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "address": address,
    }


def _study(patient: str, image: bytes, endpoint: dict[str, Any], **fields: Any) -> dict[str, Any]:
    study, series, instance = uids(image)
    return {
        "resourceType": "ImagingStudy",
        "contained": [endpoint],
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{patient}"},
        "started": "2004-01-19T07:27:30+09:00",
        "endpoint": [{"reference": "#pacs"}],
        "series": [
            {
                "uid": series,
                "number": 1,
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"},
                "description": "腹部",
                "instance": [
                    {"uid": instance, "number": 1, "sopClass": {"system": "urn:ietf:rfc:3986", "code": CT_IMAGE}}
                ],
            }
        ],
        **fields,
    }


async def test_an_imaging_study_with_an_endpoint_refers_to_its_instances(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        patient = await world.post(caller, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "0001"}]))
        await world.post(caller, _study(patient["id"], image, _endpoint(pacs.address)))

        found = (await world.http.get("/dicomweb/series?PatientID=0001", headers=caller)).json()
        one = await world.http.get(address(image), headers=caller)
        hidden = await world.http.get(address(image), headers=reader)
        await world.post(caller, a_consent(patient["id"], "clinic-c"))
        shown = await world.http.get(address(image), headers=reader)

    assert [row["0008103E"]["Value"] for row in found] == [["腹部"]]
    assert parts_of(one)[0][1] == image
    assert (hidden.status_code, shown.status_code) == (404, 200)


async def test_the_hubs_own_imaging_study_does_not_come_beside_the_sites(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        patient = await world.post(caller, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "1CT1"}]))
        written = await world.post(caller, _study(patient["id"], image, _endpoint(pacs.address)))
        answered = await send(world, caller, a_file(CT, IssuerOfPatientID="1.2.3"))

        found = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()
        one = await world.http.get(address(image), headers=caller)

    assert answered.status_code == 200
    assert [entry["resource"] for entry in found["entry"]] == [written]
    # It was sent with another header than the PACS has: what was sent is what is kept.
    assert parts_of(one)[0][1] != image
    assert pacs.asked == []


async def test_a_label_of_the_sites_imaging_study_hides_the_images(world: World) -> None:
    image = a_file(CT)
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        patient = await world.post(caller, a_patient())
        study = await world.post(caller, _study(patient["id"], image, _endpoint(pacs.address)))
        await world.post(caller, a_consent(patient["id"], "clinic-c"))

        before = await world.http.get(f"{address(image)}/frames/1", headers=reader)
        labelled = {**study, "meta": label}
        await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=caller, json=labelled)
        after = await world.http.get(f"{address(image)}/frames/1", headers=reader)

    assert (before.status_code, after.status_code) == (200, 404)


PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


async def _a_patient_shown(world: World, caller: dict[str, str]) -> str:
    """Make the patient of `CT`, who lets the clinic see everything that has no label; return the id."""
    named = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "1CT1"}
    patient = await world.post(caller, a_patient(identifier=[named]))
    await world.post(caller, a_consent(patient["id"], "clinic-c"))
    return str(patient["id"])


def _own(patient: str, image: bytes, **fields: Any) -> dict[str, Any]:
    """Return what a site says of a study itself, without saying where its images are."""
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uids(image)[0]}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


# SQLite has one writer: nobody writes an ImagingStudy while images are stored.
@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_a_label_that_comes_while_the_images_are_stored_hides_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = a_file(CT)
    caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await _a_patient_shown(world, caller)
    filed, met = asyncio.Event(), asyncio.Event()
    told, refer, hold = storing.storing_events, commit.refer_images, follow.hold

    async def images_are_filed(*arguments: Any) -> Any:
        filed.set()
        await met.wait()
        return await told(*arguments)

    async def study_waits(*arguments: Any) -> None:
        if filed.is_set():
            met.set()
        await hold(*arguments)

    async def study_is_written(*arguments: Any) -> None:
        await refer(*arguments)
        if filed.is_set():
            met.set()

    monkeypatch.setattr(storing, "storing_events", images_are_filed)
    monkeypatch.setattr(follow, "hold", study_waits)
    monkeypatch.setattr(commit, "refer_images", study_is_written)

    async def label() -> None:
        await filed.wait()
        await world.post(caller, _own(patient, image, meta={"security": [PSY]}))

    await asyncio.gather(stored(world, caller, image), label())

    assert (await world.http.get(address(image), headers=caller)).status_code == 200
    assert (await world.http.get(address(image), headers=reader)).status_code == 404


async def test_a_labelled_manifest_hides_what_was_stored_of_a_sites_own_study(world: World) -> None:
    image, other = a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.77")
    data = base64.b64encode(a_manifest(image)).decode()
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        patient = await _a_patient_shown(world, caller)
        await world.post(caller, _own(patient, image))
        await stored(world, caller, other)
        before, seen = await world.http.get(address(other), headers=reader), await _seen(world, reader)

        labelled = {"resourceType": "Binary", "contentType": "application/dicom", "meta": {"security": [PSY]}}
        await world.post(caller, {**labelled, "data": data})

        after = await world.http.get(address(other), headers=reader)
        found = await world.http.get("/dicomweb/studies", headers=reader)

    assert (before.status_code, after.status_code, found.json()) == (200, 404, [])
    assert (seen, await _seen(world, reader)) == ([1, 0], [0, 0])


async def _seen(world: World, caller: dict[str, str]) -> list[int]:
    """Return how many studies and reports exist for a caller."""
    return [await world.total(caller, f"{name}?_total=accurate") for name in ("ImagingStudy", "DiagnosticReport")]


async def test_a_label_of_the_sites_imaging_study_hides_what_the_hub_tells_of_the_images(world: World) -> None:
    image = a_file(CT)
    study, _, _ = uids(image)
    caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await _a_patient_shown(world, caller)
    await stored(world, caller, image, a_reading(instance="1.2.3.78", StudyInstanceUID=study, PatientID="1CT1"))
    before = await _seen(world, reader)

    await world.post(caller, _own(patient, image, meta={"security": [PSY]}))

    assert (before, await _seen(world, reader)) == ([1, 1], [0, 0])
    assert await _seen(world, caller) == [2, 1]


@pytest.mark.parametrize("first", ["images", "study"])
async def test_a_label_hides_the_images_of_a_study_that_the_site_says_to_be_of_another_of_its_patients(
    world: World, first: str
) -> None:
    image = a_file(CT)
    caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    await _a_patient_shown(world, caller)
    other = await world.post(caller, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "9"}]))
    labelled = _own(other["id"], image, meta={"security": [PSY]})

    if first == "study":
        await world.post(caller, labelled)
    await stored(world, caller, image)
    if first == "images":
        await world.post(caller, labelled)

    assert (await world.http.get(address(image), headers=reader)).status_code == 404
    assert await _seen(world, reader) == [0, 0]
    assert (await world.http.get(address(image), headers=caller)).status_code == 200


@pytest.mark.parametrize("then", ["before", "after", "sent again"])
async def test_a_label_of_the_hubs_imaging_study_hides_the_one_that_the_site_writes(world: World, then: str) -> None:
    image = a_file(CT)
    caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await _a_patient_shown(world, caller)
    await stored(world, caller, image)
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()["entry"]
    if then == "after":
        await world.post(caller, _own(patient, image))

    meta = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSY]}}]}
    place = f"/fhir/ImagingStudy/{entry['resource']['id']}"
    (await world.http.post(f"{place}/$meta-add", headers=caller, json=meta)).raise_for_status()
    if then == "sent again":
        (await world.http.delete(address(image), headers=caller)).raise_for_status()
    if then != "after":
        await world.post(caller, _own(patient, image))
    if then == "sent again":
        await stored(world, caller, image)

    assert await _seen(world, reader) == [0, 0]
    assert (await world.http.get(address(image), headers=reader)).status_code == 404


async def test_the_label_of_an_imaging_study_outlasts_it(world: World) -> None:
    image, later = a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.77")
    caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await _a_patient_shown(world, caller)
    own = await world.post(caller, _own(patient, image, meta={"security": [PSY]}))
    await stored(world, caller, image)
    await world.http.delete(f"/fhir/ImagingStudy/{own['id']}", headers=caller)

    await stored(world, caller, later)

    assert (await _seen(world, caller), await _seen(world, reader)) == ([1, 0], [0, 0])
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()["entry"]
    assert [one["code"] for one in entry["resource"]["meta"]["security"]] == ["PSY"]


@pytest.mark.parametrize(
    "place",
    ["http://169.254.169.254/latest", "http://127.0.0.1:1/dicom-web", "http://notspecified", "file:///etc/passwd"],
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_endpoint_that_is_no_registered_source_is_never_asked(world: World, place: str) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        patient = await world.post(caller, a_patient())
        await world.post(caller, _study(patient["id"], image, _endpoint(place)))

        found = await world.http.get(address(image), headers=caller)

    assert found.status_code == 404
    assert pacs.asked == []


@pytest.mark.parametrize("labelled", [False, True], ids=["plain", "labelled"])
async def test_a_manifest_in_a_binary_refers_to_its_instances(world: World, labelled: bool) -> None:
    image = a_file(CT)
    binary = {
        "resourceType": "Binary",
        "contentType": "application/dicom",
        "data": base64.b64encode(a_manifest(image)).decode(),
    }
    if labelled:
        code = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
        binary["meta"] = {"security": [code]}
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        await world.post(caller, binary)
        patient = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"][0]["resource"]["id"]
        await world.post(caller, a_consent(patient, "clinic-c"))

        own = await world.http.get(address(image), headers=caller)
        seen = await world.http.get(address(image), headers=reader)
        studies = await world.total(reader, "ImagingStudy?_total=accurate")

    assert parts_of(own)[0][1] == image
    assert (seen.status_code, studies) == ((404, 0) if labelled else (200, 1))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_large_imaging_study_costs_no_statement_for_each_of_its_instances(
    world: World,
) -> None:
    asked: list[str] = []
    async with a_pacs() as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        patient = await world.post(caller, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "0001"}]))
        study = _study(patient["id"], a_file(CT), _endpoint(pacs.address))
        (first,) = study["series"][0]["instance"]
        study["series"][0]["instance"] = [first | {"uid": f"1.2.3.4.{n}", "number": n} for n in range(1, 601)]
        writer = cast("SqliteDatabase", world.hub.database)._writer.raw
        writer.set_trace_callback(asked.append)
        await world.post(caller, study)
        writer.set_trace_callback(None)
        found = await world.http.get("/dicomweb/instances?limit=1&Modality=CT", headers=caller)

    assert found.headers["x-total-count"] == "600"
    assert len([one for one in asked if one.lstrip().startswith("SELECT")]) < 60
