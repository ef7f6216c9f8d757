"""The metadata of a whole series is kept compressed, and given to nobody who sees less, or more, than it tells of."""

import gzip

import pytest
from sqlalchemy import delete, func, select, update

from app.imaging import metadata
from app.imaging.packing import Made, Series, keep
from dicom.store.tables import dicom_instance, dicom_series, dicom_series_metadata
from fhir.store.labels import ACT_CODE, bit
from tests.app.imaging.images import CT, MR, a_file, stored, uids
from tests.app.imaging.test_disclosure import the_patient
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

SLICES = [a_file(CT, SOPInstanceUID=f"1.2.3.{number}", InstanceNumber=number) for number in range(3)]
STUDY, SERIES, _ = uids(SLICES[0])
ADDRESS = f"/dicomweb/studies/{STUDY}/series/{SERIES}/metadata"


async def _asked(world: World, caller: dict[str, str], encoding: str = "gzip", **headers: str) -> list[str]:
    """Ask for the series, let what is to be kept be kept, and return the SOP Instance UIDs."""
    response = await world.http.get(ADDRESS, headers={**caller, "accept-encoding": encoding, **headers})
    assert response.status_code == 200
    assert response.headers.get("content-encoding", "identity") == encoding
    await world.hub.packing.join()
    return [one["00080018"]["Value"][0] for one in response.json()]


async def _kept(world: World) -> list[bytes]:
    rows = await world.hub.database.reader.fetch(select(dicom_series_metadata.c.packed), {})
    return [gzip.decompress(bytes(row[0])) for row in rows]


async def test_it_is_kept_when_it_was_asked_for_and_is_what_is_put_together(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)
    plain = await world.http.get(ADDRESS, headers={**hospital, "accept-encoding": "identity"})

    first = await _asked(world, hospital)
    kept = await _kept(world)
    second = await _asked(world, hospital)

    assert first == second == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    assert kept == [plain.content]


async def test_what_is_kept_is_what_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)
    await _asked(world, hospital)
    monkeypatch.setattr(metadata, "models", None)

    assert await _asked(world, hospital) == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]


async def test_an_entity_tag_holds_whether_it_is_kept_or_put_together(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)
    headers = {**hospital, "accept-encoding": "gzip"}
    before = await world.http.get(ADDRESS, headers=headers)
    await world.hub.packing.join()

    after = await world.http.get(ADDRESS, headers=headers)
    unchanged = await world.http.get(ADDRESS, headers={**headers, "if-none-match": before.headers["etag"]})

    assert len(await _kept(world)) == 1
    assert after.headers["etag"] == before.headers["etag"]
    assert unchanged.status_code == 304


async def test_an_instance_that_is_added_is_told_of(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES[:2])
    await _asked(world, hospital)

    await stored(world, hospital, SLICES[2])

    assert await _asked(world, hospital) == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    assert b"1.2.3.2" in (await _kept(world))[0]


async def test_who_does_not_see_all_of_it_is_given_the_part_and_nothing_is_kept_of_that(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, *SLICES)
    await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))
    whole = await _asked(world, hospital)
    kept = await _kept(world)
    async with world.hub.database.write() as connection:
        one = dicom_instance.c.sop_instance_uid == "1.2.3.1"
        await connection.execute(update(dicom_instance).where(one).values(labels=bit(ACT_CODE, "PSY")), {})

    part = await _asked(world, clinic)

    assert part == ["1.2.3.0", "1.2.3.2"]
    assert await _asked(world, hospital) == whole
    assert await _kept(world) == kept


async def test_what_was_made_of_other_instances_than_there_are_is_not_kept(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)
    await _asked(world, hospital)
    made = await _kept(world)
    (row,) = await world.hub.database.reader.fetch(
        select(dicom_series.c.patient_key, dicom_series.c.custodian, dicom_series.c.id), {}
    )
    kept = await keep(world.hub, Made(Series(*row, STUDY, SERIES), "of two instances", b"part"))

    assert not kept
    assert await _kept(world) == made


async def test_copies_of_two_sites_are_each_kept_for_themselves(world: World) -> None:
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    for hospital in (one, other):
        await stored(world, hospital, *SLICES)
        await _asked(world, hospital)

    assert len(await _kept(world)) == 2


async def test_it_goes_with_its_series(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)
    await _asked(world, hospital)

    async with world.hub.database.write() as connection:
        for table in (dicom_instance, dicom_series):
            await connection.execute(delete(table), {})

    rows = await world.hub.database.reader.fetch(select(func.count()).select_from(dicom_series_metadata), {})
    assert rows[0][0] == 0


async def test_who_refuses_gzip_gets_none(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *SLICES)

    response = await world.http.get(ADDRESS, headers={**hospital, "accept-encoding": "gzip;q=0, identity"})

    assert "content-encoding" not in response.headers


async def test_what_is_small_is_not_compressed(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(MR))
    study, series, _ = uids(a_file(MR))

    response = await world.http.get(
        f"/dicomweb/studies/{study}/series/{series}/metadata", headers={**hospital, "accept-encoding": "gzip"}
    )

    assert "content-encoding" not in response.headers
    assert await _kept(world) == []
