"""What is too large, gone, or out of turn."""

from pathlib import Path
from typing import Any

import pytest

from app.imaging import bulk_data, description, episodes, keep, pixels, receive
from app.imaging.route import DicomRoute
from app.imaging.undescribed.note import AFTER
from app.records.writing import Writing
from fhir.errors import NotFound
from tests.app.imaging.images import (
    CT,
    J2K,
    a_body,
    a_deflated_report,
    a_file,
    a_video,
    address,
    parts_of,
    send,
    stored,
    uids,
)
from tests.world import World

pytestmark = pytest.mark.anyio


def _files(world: World) -> list[Path]:
    return [path for path in Path(world.hub.settings.blobs_place).rglob("*") if path.is_file()]


@pytest.mark.parametrize("limit", ["instance_bytes", "stow_bytes"])
async def test_what_is_too_large_is_refused_and_leaves_nothing(world: World, limit: str) -> None:
    hospital = await world.client("hospital-a")
    world.hub.settings = world.hub.settings.model_copy(update={limit: 30_000})

    response = await send(world, hospital, a_file(J2K), a_file(CT))

    assert response.status_code == 413
    assert await world.total(hospital, "ImagingStudy") == 0
    assert [path for path in _files(world) if path.name.startswith("incoming")] == []


async def test_the_headers_of_a_request_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(receive, "MOST_MODEL_BYTES", 5_000)

    response = await send(world, hospital, a_file(CT))

    assert response.status_code == 413


async def test_a_reader_that_fails_spoils_one_part_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    read = keep.read_instance

    def fail_once(data: Any) -> Any:
        monkeypatch.setattr(keep, "read_instance", read)
        raise RecursionError

    monkeypatch.setattr(keep, "read_instance", fail_once)

    response = await send(world, hospital, a_file(CT), a_file(J2K))

    assert response.status_code == 202
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0x0110]


async def test_a_study_of_many_instances_lists_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(description, "MOST_INSTANCES", 2)

    await stored(world, hospital, *(a_file(CT, SOPInstanceUID=f"1.2.3.{number}") for number in range(3)))

    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    (series,) = entry["resource"]["series"]
    assert series["numberOfInstances"] == 3
    assert "instance" not in series


async def test_bytes_that_are_gone_or_cut_are_said_to_be(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    (path,) = _files(world)

    path.write_bytes(path.read_bytes()[:1000])
    cut = await world.http.get(f"{address(a_file(CT))}/frames/1", headers=hospital)
    path.unlink()
    gone = await world.http.get(f"{address(a_file(CT))}/frames/1", headers=hospital)

    assert (cut.status_code, gone.status_code) == (500, 500)
    assert "cut short" in cut.text
    assert "gone" in gone.text


async def test_a_large_instance_leaves_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.imaging import parts

    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    monkeypatch.setattr(parts, "PIECE_BYTES", 1_000)

    alone = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": "application/dicom"})
    part = await world.http.get(address(a_file(CT)), headers=hospital)

    assert alone.content == a_file(CT)
    assert a_file(CT) in part.content
    assert int(part.headers["content-length"]) == len(part.content)


async def test_a_large_instance_is_not_transcoded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))
    monkeypatch.setattr(pixels, "MOST_TRANSCODED_BYTES", 100)
    accept = {"accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}

    response = await world.http.get(address(a_file(J2K)), headers=hospital | accept)

    assert response.status_code == 406


async def test_one_instance_alone_may_be_transcoded(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))
    accept = {"accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}

    response = await world.http.get(address(a_file(J2K)), headers=hospital | accept)

    assert response.headers["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert response.content[128:132] == b"DICM"


async def test_more_episodes_than_are_kept_begin_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(J2K))
    monkeypatch.setattr(episodes, "MOST_EPISODES", 1)

    for data in (a_file(CT), a_file(J2K), a_file(CT)):
        assert (await world.http.get(f"{address(data)}/metadata", headers=hospital)).status_code == 200

    assert len(world.hub.episodes._begun) == 1


async def test_a_system_that_lost_its_rights_while_sending_stores_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")

    async def slowly() -> Any:
        body = a_body(a_file(CT))
        yield body[:1000]
        async with world.hub.database.write() as connection:
            from app.access import epoch
            from app.access.tables import token

            await connection.execute(token.delete(), {})
            await epoch.grow(connection)
        yield body[1000:]

    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    response = await world.http.post("/dicomweb/studies", headers=hospital | kind, content=slowly())

    assert response.status_code == 401
    other = await world.client("hospital-a", role="doctor")
    assert await world.total(other, "ImagingStudy") == 0


async def test_rights_that_never_stop_changing_are_said_to_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.access import epoch
    from app.imaging.request import DicomRequest

    hospital = await world.client("hospital-a")
    renew = DicomRequest.renew

    async def renewed(request: DicomRequest) -> None:
        await renew(request)
        async with world.hub.database.write() as connection:
            await epoch.grow(connection)

    monkeypatch.setattr(DicomRequest, "renew", renewed)

    response = await send(world, hospital, a_file(CT))

    assert response.status_code == 503
    assert await world.total(hospital, "ImagingStudy") == 0


async def test_a_deleted_imaging_study_is_made_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    await world.http.delete(f"/fhir/ImagingStudy/{entry['resource']['id']}", headers=hospital)

    await stored(world, hospital, a_file(CT, SOPInstanceUID="1.2.3.4"))

    found = (await world.http.get(f"/fhir/ImagingStudy/{entry['resource']['id']}", headers=hospital)).json()
    assert found["numberOfInstances"] == 2
    assert uids(a_file(CT))[0] in found["identifier"][0]["value"]


async def test_bulk_data_of_a_large_instance_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    monkeypatch.setattr(bulk_data, "MOST_TRANSCODED_BYTES", 100)

    response = await world.http.get(f"{address(a_file(CT))}/bulkdata/7FE00010", headers=hospital)

    assert response.status_code == 406


async def test_more_frames_than_a_request_may_name_are_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    response = await world.http.get(f"{address(a_file(CT))}/frames/{','.join(['1'] * 10_001)}", headers=hospital)

    assert response.status_code == 400


async def test_rights_that_change_inside_the_transaction_begin_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    # Long enough ago for the second to be told of at once.
    instant = world.hub.clock() + AFTER
    monkeypatch.setattr(world.hub, "clock", lambda: instant)
    update = Writing.update
    failures = iter([NotFound("as if the epoch had grown meanwhile")])

    async def updated(writing: Writing, *args: Any, **more: Any) -> Any:
        for failure in failures:
            raise failure
        return await update(writing, *args, **more)

    monkeypatch.setattr(Writing, "update", updated)

    response = await send(world, hospital, a_file(CT, SOPInstanceUID="1.2.3.4"))

    assert response.status_code == 200
    assert await world.total(hospital, "ImagingStudy") == 1
    found = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"][0]["resource"]
    assert found["numberOfInstances"] == 2


async def test_a_video_is_given_as_it_is_stored_only(world: World) -> None:
    hospital = await world.client("hospital-a")
    # The bytes of its stream are never looked at.
    video = a_video()
    await stored(world, hospital, video)

    whole = await world.http.get(address(video), headers=hospital | {"accept": "application/dicom"})
    stream = await world.http.get(f"{address(video)}/frames/1", headers=hospital)
    plain = {"accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}
    refused = await world.http.get(address(video), headers=hospital | plain)

    assert whole.content == video
    assert parts_of(stream)[0][0] == "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102"
    assert refused.status_code == 406


async def test_a_deflated_report_has_no_frames(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_deflated_report())

    response = await world.http.get(f"{address(a_deflated_report())}/frames/1", headers=hospital)

    assert response.status_code == 404


async def test_the_root_of_the_service_is_no_resource(world: World) -> None:
    hospital = await world.client("hospital-a")

    assert (await world.http.get("/dicomweb", headers=hospital)).status_code == 404
    assert (await world.http.get("/dicomweb/", headers=hospital)).status_code == 404
    with pytest.raises(NotImplementedError):
        DicomRoute().url_path_for("study")
