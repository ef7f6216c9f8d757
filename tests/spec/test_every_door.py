"""IHE's study B comes in by every door, each time of another site, and is the same to whoever asks, to the pixel."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import pydicom
import pytest
from pydicom.encaps import generate_frames

from app.access import directory
from app.imaging.sources.index import index
from app.imaging.sources.keep_here import keep_here
from dicom.json_model import render
from dicom.part10 import read_instance
from fhir.xml.to_xml import to_xml
from tests.app.imaging.images import parts_of, stored
from tests.app.imaging.media.test_desk import act
from tests.app.imaging.sources.region import a_source
from tests.app.imaging.test_apart import Part, as_json, sent
from tests.app.imaging.test_folder import a_site
from tests.dimse import a_node, associating, dcmtk
from tests.media import people, read
from tests.pacs import Pacs, a_pacs
from tests.portal import signed_in
from tests.spec_data import SPEC_DATA
from tests.world import World, a_patient

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:.*:UserWarning")]

FOLDER = SPEC_DATA / "dicom"
STUDY = "1.2.250.1.59.40211.22756022.2.1.102"
SERIES = {"1.2.250.1.59.40211.22756022.2.2.102.201": 20, "1.2.250.1.59.40211.22756022.2.2.102.202": 1}
MANIFEST = "1.2.250.1.59.40211.22756022.2.3.102.259.31"
MANIFESTS_SERIES = "1.2.250.1.59.40211.22756022.2.2.102.259"
PLACES = "1.3.6.1.4.1.19376.1.1.202.1,1.3.6.1.4.1.19376.1.1.202.2"
"""Where MADO_KOS_B.dcm says that its two series are."""

OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
"""As the viewer asks for a frame."""


@dataclass(frozen=True)
class At:
    """A hub, the site that sends, its headers, its PACS, and a folder for what a door needs."""

    world: World
    site: str
    caller: dict[str, str]
    pacs: Pacs
    folder: Path


Door = Callable[[At], Awaitable[None]]


@cache
def files() -> dict[str, bytes]:
    """Return the files of the study by their names."""
    with zipfile.ZipFile(FOLDER / "Study_B.zip") as archive:
        return {Path(name).name: archive.read(name) for name in archive.namelist() if name.endswith(".dcm")}


@cache
def headers() -> dict[str, pydicom.Dataset]:
    """Return what pydicom reads of them, by their UIDs."""
    read = [pydicom.dcmread(io.BytesIO(one)) for one in files().values()]
    return {str(one.SOPInstanceUID): one for one in read}


def _frame(ds: pydicom.Dataset) -> bytes:
    return bytes(next(generate_frames(ds.PixelData, number_of_frames=1)))


@cache
def pixels() -> dict[str, str]:
    """Return the hash of each slice's pixels, as imagecodecs decodes what pydicom finds."""
    slices = {uid: ds for uid, ds in headers().items() if "PixelData" in ds}
    decoded = {uid: imagecodecs.ljpeg_decode(_frame(ds)) for uid, ds in slices.items()}
    return {uid: hashlib.sha256(one.astype("<u2").tobytes()).hexdigest() for uid, one in decoded.items()}


# The doors


async def in_parts(at: At) -> None:
    await stored(at.world, at.caller, *files().values())


async def one_by_one(at: At) -> None:
    for one in files().values():
        kind = {"content-type": "application/dicom"}
        answer = await at.world.http.post(f"/dicomweb/studies/{STUDY}", headers=at.caller | kind, content=one)
        assert answer.status_code == 200, answer.text


async def metadata_and_bulk_data(at: At) -> None:
    models: list[dict[str, Any]] = []
    bulk: list[Part] = []
    for uid, ds in headers().items():
        model = json.loads(render(read_instance(files_by_uid()[uid])))
        if "PixelData" in ds:
            place = f"http://sender.example/{uid}"
            model["7FE00010"]["BulkDataURI"] = place
            bulk.append(("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70", place, _frame(ds)))
        models.append(model)
    answer = await sent(at.world, at.caller, as_json(*models), *bulk)
    assert answer.status_code == 200, answer.text


@cache
def files_by_uid() -> dict[str, bytes]:
    """Return the files by their SOP Instance UIDs."""
    return dict(zip(headers(), files().values(), strict=True))


async def an_association(at: At) -> None:
    for name, one in files().items():
        (at.folder / name).write_bytes(one)
    await a_node(at.world, at.site)
    async with associating(at.world.hub) as door:
        options = ("-aet", at.site.upper(), "-aec", "RENKEI", "-xs", "+sd")
        code, printed = await dcmtk("storescu", *options, "127.0.0.1", str(door.port), at.folder)
    assert code == 0, printed


async def a_disc(at: At) -> None:
    mine = await at.world.post(at.caller, a_patient(name=[{"family": "Doe", "given": ["John"]}]))
    desk = await signed_in(at.world, at.site, "clerk")
    number = await read(at.world, desk, files())
    (one,) = await people(at.world, number)
    assert await at.world.total(at.caller, "ImagingStudy") == 0
    assert await act(desk, number, one, "patient", mine["id"]) == 303


async def a_watched_folder(at: At) -> None:
    site = await a_site(at.world, at.folder)
    site.put(**{f"new__{name}": one for name, one in files().items()})
    assert await site.run() == (21, 0, 0)


async def a_manifest(at: At) -> None:
    await stored(at.world, at.caller, (FOLDER / "MADO_KOS_B.dcm").read_bytes())


async def a_manifest_and_then_the_images(at: At) -> None:
    # The manifest says who issued the patient's number, the images do not.
    await a_manifest(at)
    await in_parts(at)
    at.pacs.instances.clear()


async def the_images_and_then_a_manifest(at: At) -> None:
    await in_parts(at)
    await a_manifest(at)
    at.pacs.instances.clear()


async def a_manifest_as_a_document(at: At) -> None:
    data = base64.b64encode((FOLDER / "MADO_KOS_B.dcm").read_bytes()).decode()
    await at.world.post(at.caller, {"resourceType": "Binary", "contentType": "application/dicom", "data": data})


def bundle(at: At) -> bytes:
    # The place that the sample names is no site's.
    text = (FOLDER / "mado-102-bundle.json").read_text()
    return text.replace("http://example.com/wado", at.pacs.address).encode()


async def a_bundle(at: At) -> None:
    await at.world.post(at.caller, json.loads(bundle(at)))


async def a_bundle_in_xml(at: At) -> None:
    kind = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    answer = await at.world.http.post("/fhir/Bundle", headers=at.caller | kind, content=to_xml(bundle(at)))
    assert answer.status_code == 201, answer.text


async def a_bundle_in_xml_as_a_document(at: At) -> None:
    data = base64.b64encode(to_xml(bundle(at))).decode()
    await at.world.post(at.caller, {"resourceType": "Binary", "contentType": "application/fhir+xml", "data": data})


async def an_imaging_study(at: At) -> None:
    patient = await at.world.post(at.caller, a_patient())
    endpoint = {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "dicom-wado-rs",
        },
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "address": at.pacs.address,
    }
    place = await at.world.post(at.caller, endpoint)
    series: dict[str, dict[str, Any]] = {}
    for uid, ds in headers().items():
        modality = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": str(ds.Modality)}
        one = {"uid": uid, "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{ds.SOPClassUID}"}}
        found = series.setdefault(ds.SeriesInstanceUID, {"modality": modality, "instance": []})
        found["instance"].append(one)
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{patient['id']}"},
        "endpoint": [{"reference": f"Endpoint/{place['id']}"}],
        "series": [{"uid": uid, **one} for uid, one in series.items()],
    }
    await at.world.post(at.caller, study)


async def an_index(at: At) -> None:
    seen = await index(at.world.hub, await at.world.hub.sources.named(f"pacs-{at.site}"))
    assert (seen.studies, seen.instances, seen.refused) == (1, 21, 0)


async def an_index_that_is_kept(at: At) -> None:
    await an_index(at)
    kept = await keep_here(at.world.hub, await at.world.hub.sources.named(f"pacs-{at.site}"))
    assert (kept.instances, kept.failed, kept.left) == (21, 0, 0)
    at.pacs.instances.clear()


STORED: tuple[Door, ...] = (in_parts, one_by_one, metadata_and_bulk_data, an_association, a_disc, a_watched_folder)
REFERRED: tuple[Door, ...] = (
    *(a_manifest, a_manifest_and_then_the_images, the_images_and_then_a_manifest, a_manifest_as_a_document),
    *(a_bundle, a_bundle_in_xml, a_bundle_in_xml_as_a_document, an_imaging_study, an_index, an_index_that_is_kept),
)


# What is found then


async def found(at: At, place: str) -> list[dict[str, Any]]:
    """Return what QIDO-RS finds of the study, without the manifest that brought it."""
    answer = await at.world.http.get(f"/dicomweb/{place}", headers=at.caller)
    assert answer.status_code == 200, answer.text
    rows = [{tag: one.get("Value", [None])[0] for tag, one in row.items()} for row in answer.json()]
    return [row for row in rows if row.get("0020000E") != MANIFESTS_SERIES]


async def of_imaging_study(at: At) -> dict[str, set[str]]:
    """Return the instances of the one ImagingStudy by their series."""
    query = f"/fhir/ImagingStudy?identifier=urn:dicom:uid|urn:oid:{STUDY}"
    answer = (await at.world.http.get(query, headers=at.caller)).json()
    (study,) = [one["resource"] for one in answer["entry"]]
    series = {one["uid"]: {each["uid"] for each in one["instance"]} for one in study["series"]}
    return {uid: instances for uid, instances in series.items() if uid != MANIFESTS_SERIES}


async def is_told(at: At) -> None:
    """Ask for what FHIR says of a study whose bytes are here: where it is, its key images, and where they come from."""
    bundle = (await at.world.http.get("/fhir/ImagingStudy?_include=ImagingStudy:endpoint", headers=at.caller)).json()
    assert [one["resource"]["resourceType"] for one in bundle["entry"]] == ["ImagingStudy", "Endpoint"]
    assert await at.world.total(at.caller, "DocumentReference?type=113000") == 1
    assert await at.world.total(at.caller, "Provenance") == 1


async def as_the_viewer(at: At, series: str) -> dict[str, str]:
    """Return the hash of the pixels of each image of a series, asked for as the viewer does."""
    kind = {"accept": "application/dicom+json"}
    answer = await at.world.http.get(f"/dicomweb/studies/{STUDY}/series/{series}/metadata", headers=at.caller | kind)
    assert answer.status_code == 200, answer.text
    shown = {}
    for model in answer.json():
        uid = model["00080018"]["Value"][0]
        assert model["00100020"]["Value"] == ["UV59569735"]
        if "7FE00010" not in model:
            continue
        assert (model["00280010"]["Value"], model["00280101"]["Value"]) == ([512], [12])
        place = f"/dicomweb/studies/{STUDY}/series/{series}/instances/{uid}/frames/1"
        frame = await at.world.http.get(place, headers=at.caller | {"accept": OCTETS})
        ((_, octets),) = parts_of(frame)
        shown[uid] = hashlib.sha256(octets).hexdigest()
    return shown


async def seen(at: At) -> None:
    """Ask for the study in every way, and compare."""
    wanted = {uid: {one for one, ds in headers().items() if ds.SeriesInstanceUID == uid} for uid in SERIES}
    (study,) = await found(at, "studies?ModalitiesInStudy=CT")
    series = await found(at, f"studies/{STUDY}/series")
    instances = await found(at, f"studies/{STUDY}/instances")
    assert study["0020000D"] == STUDY
    assert {one["0020000E"]: one["00201209"] for one in series} == SERIES
    assert {one["0020000E"]: one["00080060"] for one in series} == dict(zip(SERIES, ("CT", "KO"), strict=True))
    assert {(one["0020000E"], one["00080018"]) for one in instances} == {
        (uid, one) for uid, all_of_it in wanted.items() for one in all_of_it
    }
    assert await of_imaging_study(at) == wanted
    if not at.pacs.instances:
        await is_told(at)
    first, second = SERIES
    assert await as_the_viewer(at, first) == pixels()
    assert await as_the_viewer(at, second) == {}


async def a_new_site(world: World, number: int) -> str:
    """Add a hospital and return its name."""
    slug = f"hospital-{number}"
    async with world.hub.database.write() as connection:
        values = {"title": slug, "kind": "hospital", "number": f"01200000{number:02d}", "resource_id": slug}
        await directory.add_organisation(connection, slug=slug, **values)
    return slug


async def test_the_study_comes_in_by_every_door_and_is_the_same(world: World, tmp_path: Path) -> None:
    for number, door in enumerate((*STORED, *REFERRED)):
        # The gateway's key is one of hospital A.
        site = "hospital-a" if door is a_watched_folder else await a_new_site(world, number)
        folder = tmp_path / door.__name__
        folder.mkdir()
        async with a_pacs() as pacs:
            at = At(world, site, await world.client(site), pacs, folder)
            if door in REFERRED:
                pacs.take(*files().values())
                await a_source(world, pacs, name=f"pacs-{site}", site=site, locations=PLACES)
            await door(at)
            await seen(at)
