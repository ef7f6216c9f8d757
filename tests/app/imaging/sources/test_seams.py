"""References beside what else comes in: no file goes unanswered, what hides one thing hides the rest."""

import base64
import re
from typing import Any

import pytest

from app.hub import Hub
from app.imaging import parts
from app.imaging.custody import Custody
from app.imaging.lacking import Incomplete
from app.imaging.pixels import present, stored_bytes
from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.index import index
from dicom.store.read import InstanceRow, read_instances
from dicom.store.refer import references
from tests.app.imaging.images import CT, a_file, address, parts_of, send, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import a_pacs
from tests.portal import signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


def a_binary(manifest: bytes, *labels: dict[str, str]) -> dict[str, Any]:
    """Return a manifest as a document."""
    data = base64.b64encode(manifest).decode()
    binary = {"resourceType": "Binary", "contentType": "application/dicom", "data": data}
    return {**binary, "meta": {"security": list(labels)}} if labels else binary


async def test_an_image_that_is_refused_is_said_so_beside_a_manifest_that_names_it(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_file(CT, SOPInstanceUID="1.2.3.4"), a_file(CT, SOPInstanceUID="1.2.3.5"))
        # Of another patient than the study that is there: both wait for a person, and no reference is made.
        waits = a_file(CT, PatientID="other")
        refused = a_file(CT, PatientID="other", SOPInstanceUID="1.2.3.5")
        manifest = a_manifest(waits)
        answer = await send(world, caller, refused, waits, manifest)

    def named(tag: str) -> list[str]:
        return [one["00081155"]["Value"][0] for one in answer.json()[tag]["Value"]]

    assert named("00081198") == ["1.2.3.5"]
    assert named("00081199") == [uids(image)[2], uids(manifest)[2]]
    assert len((await world.http.get("/dicomweb/instances", headers=caller)).json()) == 2


async def test_a_manifest_that_waited_for_a_person_refers_to_what_it_names_once_it_is_filed(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_file(CT, SOPInstanceUID="1.2.3.4"))
        manifest = a_manifest(image, PatientID="other")
        assert (await send(world, caller, manifest)).status_code == 202
        (entry,) = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"]
        desk = await signed_in(world, "hospital-a", "clerk")
        (place,) = re.findall(r"/media/[0-9]+/patients/1", (await desk.get("/media")).text)

        answer = await desk.post(place, {"act": "patient", "patient": entry["resource"]["id"]})
        shown = await world.http.get(address(image), headers=caller)

    assert answer.status_code == 303
    assert parts_of(shown)[0][1] == image


@pytest.mark.parametrize("then", ["stored", "labelled", "grown"])
async def test_a_label_of_a_manifest_stays_on_the_imaging_study(world: World, then: str) -> None:
    image, more = a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4.5.7")
    async with a_pacs(image, more) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        if then == "labelled":
            await world.post(caller, a_binary(a_manifest(image)))
        await world.post(caller, a_binary(a_manifest(image), PSY))
        if then == "stored":
            await stored(world, caller, image)
        if then == "grown":
            await stored(world, caller, more)
        patient = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"][0]["resource"]["id"]
        await world.post(caller, a_consent(patient, "clinic-c"))

        own = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()
        studies = await world.total(reader, "ImagingStudy?_total=accurate")
        seen = await world.http.get("/dicomweb/studies", headers=reader)
        image_seen = await world.http.get("/dicomweb/instances", headers=reader)

    assert own["total"] == 1
    assert (studies, seen.json(), image_seen.json()) == (0, [], [])


async def test_what_is_held_is_read_even_when_it_was_dropped_meanwhile(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        source = await a_source(world, pacs)
        await stored(world, await world.client("hospital-a"), a_manifest(image))
        (row,) = await references(world.hub.database.reader, source.key, limit=10)
        held = await world.hub.held.hold(row)
        for key in list(world.hub.held._held):
            world.hub.held._drop(key)
        # Another file takes the number of one that is closed.
        with (world.hub.settings.home / "another").open("w+b") as another:
            another.write(b"another patient's")
            another.flush()
            octets = held.read(0, held.size)

    assert octets == image


async def test_what_begins_with_one_image_does_not_go_on_with_another(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        hospital = await world.client("hospital-a")
        await stored(world, hospital, a_manifest(image))
        (site,) = [one.caller.organisation for one in await world.hub.sources.all()]
        (row,) = await read_instances(world.hub.database.reader, Custody(site), *uids(image))
        row = await present(world.hub, row)
        begun = await stored_bytes(world.hub, row, 0, 1000)
        pacs.take(a_file(CT, PatientComments="x" * 64))
        for key in list(world.hub.held._held):
            world.hub.held._drop(key)

        with pytest.raises(SourceFailed, match="has changed an image"):
            await stored_bytes(world.hub, row, 1000, 1000)

    assert begun == image[:1000]


async def test_a_manifest_that_stays_at_its_site_is_indexed_like_an_image(world: World) -> None:
    image = a_file(CT)
    manifest = a_manifest(image)
    async with a_pacs(image, manifest) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        (source,) = await world.hub.sources.all()
        seen = await index(world.hub, source)
        found = (await world.http.get("/dicomweb/instances", headers=caller)).json()

    assert (seen.studies, seen.instances, seen.refused) == (1, 2, 0)
    assert {one["00080018"]["Value"][0] for one in found} == {uids(image)[2], uids(manifest)[2]}


@pytest.mark.parametrize("end", ["pixeldata", "bulkdata", "rendered"])
async def test_a_series_is_shown_though_its_site_does_not_give_all_of_it(world: World, end: str) -> None:
    gone, image = a_file(CT, SOPInstanceUID="1.2.3.4.5.7", InstanceNumber=2), a_file(CT)
    place = address(image).rpartition("/instances/")[0]
    caller = await world.client("hospital-a")
    taken = {**caller, "accept": 'multipart/related; type="image/png"'} if end == "rendered" else caller
    async with a_pacs(gone, image) as pacs:
        await a_source(world, pacs)
        await stored(world, caller, a_manifest(gone, image))
        del pacs.instances[uids(gone)[2]]
        some = await world.http.get(f"{place}/{end}", headers=taken)
        again = await world.http.get(f"{place}/{end}", headers={**taken, "if-none-match": some.headers.get("etag", "")})
        pacs.instances.clear()
        world.hub.held._held.clear()
        nothing = await world.http.get(f"{place}/{end}", headers=taken)

    assert (some.status_code, again.status_code, nothing.status_code) == (206, 206, 502)
    assert uids(image)[2].encode() in some.content
    assert uids(gone)[2].encode() not in some.content


async def test_the_header_of_a_reference_is_told_in_xml_as_well(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        xml = {**caller, "accept": 'multipart/related; type="application/dicom+xml"'}
        found = await world.http.get(f"{address(image)}/metadata", headers=xml)

    assert found.status_code == 200
    assert b'keyword="BitsAllocated"' in found.content


@pytest.mark.parametrize("at_once", [False, True], ids=["afterwards", "at once"])
async def test_a_label_of_what_describes_a_manifest_hides_its_images(world: World, at_once: bool) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        # The patient is known, and shared.
        await stored(
            world, caller, a_file(CT, StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.8", SOPInstanceUID="1.2.7")
        )
        patient = (await world.http.get("/fhir/Patient", headers=caller)).json()["entry"][0]["resource"]["id"]
        await world.post(caller, a_consent(patient, "clinic-c"))
        binary = a_binary(a_manifest(image))
        link = "urn:uuid:7c9d0a4e-2c52-4a39-8f0f-0d3d6a3c9a01"
        if not at_once:
            link = f"Binary/{(await world.post(caller, binary))['id']}"
        reference = {
            "resourceType": "DocumentReference",
            "status": "current",
            "meta": {"security": [PSY]},
            "subject": {"reference": f"Patient/{patient}"},
            "content": [{"attachment": {"contentType": "application/dicom", "url": link}}],
        }
        if at_once:
            both = ((binary, link, "Binary"), (reference, "urn:uuid:1", "DocumentReference"))
            entries = [
                {"fullUrl": url, "resource": one, "request": {"method": "POST", "url": kind}} for one, url, kind in both
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            answer = await world.http.post("/fhir", headers=caller, json=bundle)
            assert answer.status_code == 200, answer.text
        else:
            await world.post(caller, reference)

        own = (await world.http.get("/dicomweb/instances", headers=caller)).json()
        seen = (await world.http.get("/dicomweb/instances", headers=reader)).json()
        studies = await world.total(reader, "ImagingStudy?_total=accurate")

    assert len(own) == 2
    assert [one["00080018"]["Value"] for one in seen] == [["1.2.7"]]
    assert studies == 1


async def test_an_answer_that_breaks_off_within_an_instance_is_not_ended_as_if_it_were_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4.5.7", InstanceNumber=2)]
    monkeypatch.setattr(parts, "PIECE_BYTES", 20_000)
    read = stored_bytes

    async def breaks_off(hub: Hub, row: InstanceRow, start: int = 0, length: int | None = None) -> bytes:
        if start and row.sop_instance_uid == "1.2.3.4.5.7":
            raise SourceFailed("The imaging source went away")
        return await read(hub, row, start, length)

    monkeypatch.setattr(parts, "stored_bytes", breaks_off)
    async with a_pacs(*images) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(*images))
        with pytest.raises(Incomplete):
            await world.http.get(address(images[0]).rpartition("/series/")[0], headers=caller)
