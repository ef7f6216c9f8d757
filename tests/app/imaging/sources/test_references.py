"""References: a site keeps its images and says where; everything of WADO-RS works on them, under the same consent."""

import asyncio

import pytest

from app.imaging.sources.source import remove_source
from tests.app.imaging.images import (
    CT,
    DEFLATED,
    J2K,
    MULTI_FRAME,
    a_file,
    address,
    parts_of,
    send,
    stored,
    uids,
)
from tests.app.imaging.sources.region import KOS, a_manifest, a_source
from tests.pacs import Pacs, a_pacs
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio


async def _patient(world: World, caller: dict[str, str]) -> str:
    found = (await world.http.get("/fhir/Patient", headers=caller)).json()
    return str(found["entry"][0]["resource"]["id"])


async def test_a_manifest_makes_a_study_that_is_fetched_when_somebody_looks(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        assert pacs.asked == []

        found = (await world.http.get("/dicomweb/instances?Modality=CT", headers=caller)).json()
        one = await world.http.get(address(image), headers=caller)
        frame = await world.http.get(f"{address(image)}/frames/1", headers=caller)
        picture = await world.http.get(f"{address(image)}/rendered", headers={**caller, "accept": "image/png"})
        thumbnail = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}/thumbnail", headers=caller)

    assert [row["00080018"]["Value"] for row in found] == [[uids(image)[2]]]
    assert parts_of(one)[0][1] == image
    assert len(parts_of(frame)[0][1]) == 128 * 128 * 2
    assert picture.content.startswith(b"\x89PNG")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    study, series, instance = uids(image)
    assert pacs.asked == [f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"]
    # The hub's own credentials and nothing of the caller's.
    assert {"authorization", "cookie", "x-forwarded-for"}.isdisjoint(pacs.headers)
    assert pacs.headers["accept-encoding"] == "identity"


async def test_the_imaging_study_lists_what_is_referred_to(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))

    found = (await world.http.get("/fhir/ImagingStudy", headers=caller)).json()

    (entry,) = found["entry"]
    assert {one["modality"]["code"] for one in entry["resource"]["series"]} == {"CT", "KO"}
    assert entry["resource"]["numberOfInstances"] == 2


async def test_a_study_is_retrieved_in_parts_from_both_places(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        manifest = a_manifest(image)
        await stored(world, caller, manifest)

        study = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}", headers=caller)
        pacs.instances.clear()
        later = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}", headers=caller)
        world.hub.held._held.clear()
        without = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}", headers=caller)

    assert study.status_code == 200
    assert {content for _, content in parts_of(study)} == {image, manifest}
    assert later.content.count(b"DICM") == 2
    # What cannot be had is left out; the rest is served.
    assert without.status_code in (200, 206)
    assert [content for _, content in parts_of(without)] == [manifest]


@pytest.mark.parametrize("without_metadata", [False, True], ids=["by metadata", "out of instances"])
async def test_the_header_is_asked_for_once_and_names_no_address_of_the_source(
    world: World, without_metadata: bool
) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        pacs.without_metadata = without_metadata
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image, StudyDate=""))

        first = await world.http.get(f"{address(image)}/metadata", headers=caller)
        asked = len(pacs.asked)
        second = await world.http.get(f"{address(image)}/metadata", headers=caller)
        found = (await world.http.get("/dicomweb/instances?Modality=CT&includefield=Rows", headers=caller)).json()
        studies = (await world.http.get("/dicomweb/studies", headers=caller)).json()

    (model,) = first.json()
    assert (first.status_code, second.content) == (200, first.content)
    assert len(pacs.asked) == asked
    assert model["00280010"] == {"vr": "US", "Value": [128]}
    assert model["7FE00010"]["BulkDataURI"] == f"http://127.0.0.1:8080{address(image)}/bulkdata/7FE00010"
    assert found[0]["00280010"]["Value"] == [128]
    # What the manifest did not say is filled in.
    assert studies[0]["00080020"]["Value"] == ["20040119"]


async def test_bulk_data_and_transcoding_work_on_what_was_fetched(world: World) -> None:
    images = [a_file(CT), a_file(J2K), a_file(MULTI_FRAME), a_file(DEFLATED)]
    async with a_pacs(*images) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        for number, image in enumerate(images):
            await stored(world, caller, a_manifest(image, uid=f"1.2.3.{number}", PatientID=f"{number}"))

        plain = {**caller, "accept": 'multipart/related; type="application/octet-stream"'}
        bulk = await world.http.get(f"{address(images[0])}/bulkdata/7FE00010", headers=caller)
        frame = await world.http.get(f"{address(images[1])}/frames/1", headers=plain)
        many = await world.http.get(f"{address(images[2])}/frames/2,30", headers=caller)
        deflated = await world.http.get(f"{address(images[3])}/frames/1", headers=caller)

    assert len(parts_of(bulk)[0][1]) == 128 * 128 * 2
    assert [one.status_code for one in (bulk, frame, many, deflated)] == [200] * 4
    assert len(parts_of(many)) == 2
    # The multi-frame image was fetched once for both frames.
    assert sum(uids(images[2])[2] in one for one in pacs.asked) == 1


@pytest.mark.parametrize(
    ("end", "accept"),
    [("frames/1", "*/*"), ("bulkdata/7FE00010", "*/*"), ("rendered", "image/png"), ("thumbnail", "image/png")],
)
async def test_an_image_that_its_site_has_changed_is_not_said_to_be_the_same(
    world: World, end: str, accept: str
) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        hospital = await world.client("hospital-a")
        await stored(world, hospital, a_manifest(image))
        caller = {**hospital, "accept": accept}
        place = f"{address(image)}/{end}"
        before = await world.http.get(place, headers=caller)
        tag = before.headers.get("etag", '"none"')
        same = await world.http.get(place, headers={**caller, "if-none-match": tag})
        pacs.take(a_file(CT, PixelData=b"\0\1" * (128 * 128)))
        for one in world.hub.held._held.values():
            one.last_read -= 60
        await world.hub.held.sweep()
        after = await world.http.get(place, headers={**caller, "if-none-match": tag})

    assert same.status_code == (304 if "etag" in before.headers else 200)
    assert after.status_code == 200
    assert after.content != before.content


async def test_consent_decides_about_references_as_about_what_is_stored(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        owner, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
        await stored(world, owner, a_manifest(image))
        patient = await _patient(world, owner)

        before = [await world.http.get(f"{address(image)}{end}", headers=reader) for end in ("", "/metadata")]
        asked_before = list(pacs.asked)
        consent = await world.post(owner, a_consent(patient, "clinic-c"))
        shown = await world.http.get(address(image), headers=reader)
        revoked = {**consent, "status": "inactive"}
        await world.http.put(f"/fhir/Consent/{consent['id']}", headers=owner, json=revoked)
        after = await world.http.get(f"{address(image)}/frames/1", headers=reader)

    assert [one.status_code for one in before] == [404, 404]
    assert asked_before == []
    assert shown.status_code == 200
    # It is still held, and not shown.
    assert after.status_code == 404


async def test_what_is_sent_later_is_stored_and_not_fetched_any_more(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        await stored(world, caller, image)

        one = await world.http.get(address(image), headers=caller)
        await stored(world, caller, a_manifest(image, uid="1.2.3.7"))
        again = await world.http.get(address(image), headers=caller)

    assert parts_of(one)[0][1] == parts_of(again)[0][1] == image
    assert pacs.asked == []


async def test_a_manifest_of_an_unknown_place_or_of_another_sites_pacs_refers_to_nothing(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        others, own = await world.client("hospital-b"), await world.client("hospital-a")
        await stored(world, others, a_manifest(image))
        await stored(world, own, a_manifest(image, uid="1.2.3.8", location="", url="http://169.254.169.254/latest"))
        near = f"http://127.0.0.1:{pacs.port}/dicom-web-not"
        await stored(world, own, a_manifest(image, uid="1.2.3.9", location="", url=near))

        found = [await world.http.get(address(image), headers=caller) for caller in (others, own)]

    assert [one.status_code for one in found] == [404, 404]
    assert pacs.asked == []


async def test_a_manifest_may_name_the_address_or_something_below_it(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        study, series, _ = uids(image)
        url = f"{pacs.address}/studies/{study}/series/{series}"
        answered = await send(world, caller, a_manifest(image, location="", url=url))

        found = await world.http.get(address(image), headers=caller)

    # The answer tells of what was sent, not of what it refers to.
    assert [one["00081150"]["Value"] for one in answered.json()["00081199"]["Value"]] == [[KOS]]
    assert found.status_code == 200


async def test_a_source_that_is_gone_is_a_failure_of_its_own(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        shown = await world.http.get(address(image), headers=caller)
        async with world.hub.database.write() as connection:
            await remove_source(connection, "pacs-a", forsaking=True)

        gone = await world.http.get(address(image), headers=caller)
        listed = await world.http.get("/dicomweb/instances?Modality=CT", headers=caller)

    assert (shown.status_code, gone.status_code) == (200, 502)
    assert "not registered any more" in gone.json()["issue"][0]["diagnostics"]
    assert len(listed.json()) == 1


async def _looked_at(world: World, pacs: Pacs, image: bytes, **fields: object) -> list[str]:
    """Return what the source is asked when a thumbnail and a frame are shown, a minute later again, and again."""
    await a_source(world, pacs, **fields)
    caller = await world.client("hospital-a")
    await stored(world, caller, a_manifest(image))
    for _ in range(2):
        for end in ("thumbnail", "frames/1"):
            assert (await world.http.get(f"{address(image)}/{end}", headers=caller)).status_code == 200
        for one in world.hub.held._held.values():
            one.last_read -= 60
        await world.hub.held.sweep()
    return pacs.asked


@pytest.mark.parametrize(
    ("cache", "asked", "files"),
    [("none", 2, 0), ("thumbnails", 2, 1), ("days:3", 1, 1)],
    ids=["nothing is kept", "small pictures are kept", "images are kept for days"],
)
async def test_what_is_kept_a_while_is_the_sites_choice(world: World, cache: str, asked: int, files: int) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        got = await _looked_at(world, pacs, image, cache=cache)

    folder = world.hub.settings.home / "image-cache"
    assert len(got) == asked
    assert len([one for one in folder.rglob("*") if one.is_file()]) == files
    assert all(one.stat().st_mode & 0o077 == 0 for one in folder.rglob("*") if one.is_file())


async def test_many_who_look_at_once_share_one_fetch(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))

        place = f"{address(image)}/frames/1"
        answers = await asyncio.gather(*(world.http.get(place, headers=caller) for _ in range(8)))

    assert {one.status_code for one in answers} == {200}
    assert len(pacs.asked) == 1
