"""Indexing a source by QIDO-RS, and keeping what it has."""

from datetime import date

import pytest
from sqlalchemy import select

from app.blobs.tables import blob
from app.imaging.sources import index as indexing
from app.imaging.sources import keep_here as keeping
from app.imaging.sources.index import Indexed, index
from app.imaging.sources.keep_here import Moved, keep_here
from app.imaging.sources.state import states
from dicom.phantom import CT as CT_PHANTOM
from dicom.phantom import Patient, Study, instances
from tests.app.imaging.images import CT, MR, a_file, address, parts_of, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import Write, a_pacs, answer, instance_answer
from tests.world import World

pytestmark = pytest.mark.anyio


def _files() -> list[bytes]:
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    return [a_file(CT), a_file(MR), *instances(Study(1, person, CT_PHANTOM, slices=5, edge=16))]


async def test_an_index_refers_to_all_that_a_source_has(world: World) -> None:
    files = _files()
    async with a_pacs(*files) as pacs:
        source = await a_source(world, pacs)
        caller = await world.client("hospital-a")

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        again = await index(world.hub, await world.hub.sources.named("pacs-a"))
        studies = (await world.http.get("/dicomweb/studies", headers=caller)).json()
        named = (await world.http.get("/dicomweb/studies?PatientName=山田*", headers=caller)).json()
        got = [parts_of(await world.http.get(address(one), headers=caller))[0][1] for one in files]

    assert (seen.studies, seen.instances, seen.refused) == (3, 7, 0)
    assert (again.studies, again.instances) == (3, 7)
    assert len(studies) == 3
    assert [row["00201208"]["Value"] for row in named] == [[5]]
    assert got == files
    state = (await states(world.hub.database.reader))[source.key]
    assert (state.position, state.indexed, state.index_done > 0) == ("", 3, True)
    assert state.word(world.hub.clock()) == "well"


async def test_an_index_meets_key_objects(world: World) -> None:
    image = a_file(CT)
    key_object = a_manifest(image)
    async with a_pacs(image, key_object) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        got = parts_of(await world.http.get(address(key_object), headers=caller))[0][1]

    assert (seen.studies, seen.instances, seen.refused) == (1, 2, 0)
    assert got == key_object


async def test_an_index_goes_on_where_it_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "PAGE", 1)
    files = _files()
    told: list[Indexed] = []
    async with a_pacs(*files) as pacs:
        source = await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")

        def stop(seen: Indexed) -> None:
            told.append(seen)
            if len(told) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await index(world.hub, registered, tell=stop)
        state = (await states(world.hub.database.reader))[source.key]
        pacs.asked.clear()
        await index(world.hub, registered, tell=told.append)

    assert state.position == "all|2"
    assert next(one for one in pacs.asked if "studies?" in one).endswith("limit=1&offset=2")
    assert [one.window for one in told] == ["1", "2", "3"]


async def test_an_index_since_a_day_asks_day_by_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    image = a_file(CT)
    async with a_pacs(image, a_file(MR)) as pacs:
        await a_source(world, pacs)
        monkeypatch.setattr(world.hub, "clock", lambda: 1_074_600_000_000_000)  # 2004-01-20
        told: list[Indexed] = []

        seen = await index(
            world.hub, await world.hub.sources.named("pacs-a"), since=date(2004, 1, 18), tell=told.append
        )

    assert [one.window for one in told] == ["2004-01-18", "2004-01-19", "2004-01-20", "2004-01-21"]
    assert (seen.studies, seen.instances) == (1, 1)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_answers_of_no_use_are_counted_and_end_nothing(world: World) -> None:
    study, series, _ = uids(a_file(CT))

    async def odd(path: str, write: Write) -> None:
        if "/instances" in path:
            body = b'[{"00080018":{"vr":"UI","Value":["../../etc"]}},{"00080018":7},{},{"00080018":{"Value":[null]}}]'
        elif "/series" in path:
            body = b'[{"0020000E":{"Value":["%s"]}},{"0020000E":{"Value":["x/../y"]}}]' % series.encode()
        elif "offset=0" in path:
            body = b'[{"0020000D":{"Value":["%s"]}},{"0020000D":{"Value":["../admin"]}},{}]' % study.encode()
        else:
            body = b"[]"
        await write(answer(200, body, "application/dicom+json"))

    async with a_pacs() as pacs:
        pacs.misbehave = odd
        await a_source(world, pacs)

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))

    assert (seen.studies, seen.instances, seen.refused) == (1, 0, 4)
    assert not [one for one in pacs.asked if ".." in one]


@pytest.mark.parametrize("status", [404, 406, 200])
async def test_a_study_that_cannot_be_asked_for_keeps_no_other_from_being_known(world: World, status: int) -> None:
    gone, there = a_file(CT), a_file(MR)

    async def odd(path: str, write: Write) -> None:
        is_odd = f"/studies/{uids(gone)[0]}/series" in path
        await write(answer(status, b"no JSON", "text/html") if is_odd else pacs._answer(path))

    async with a_pacs(gone, there) as pacs:
        pacs.misbehave = odd
        await a_source(world, pacs)

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))

    assert (seen.studies, seen.instances, seen.refused) == (1, 1, 1)


async def test_what_is_kept_here_is_no_reference_any_more(world: World) -> None:
    files = _files()
    async with a_pacs(*files) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")
        await index(world.hub, registered)
        lost = pacs.instances.pop(uids(files[3])[2])

        moved = await keep_here(world.hub, registered)
        pacs.instances[uids(lost)[2]] = lost
        of_study = await keep_here(world.hub, registered, study=uids(lost)[0])
        pacs.asked.clear()
        got = [parts_of(await world.http.get(address(one), headers=caller))[0][1] for one in files]
        blobs = [await world.hub.blobs.read(registered.caller.organisation, one) for one in await _digests(world)]

    assert (moved.instances, moved.failed, moved.left) == (6, 1, 1)
    assert moved.octets == sum(map(len, files)) - len(lost)
    assert (of_study.instances, of_study.failed, of_study.left) == (1, 0, 0)
    assert got == files
    assert sorted(blobs) == sorted(files)
    assert pacs.asked == []


async def _digests(world: World) -> list[str]:
    return [row[0] for row in await world.hub.database.reader.fetch(select(blob.c.digest), {})]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_another_instance_than_was_referred_to_is_not_kept(world: World) -> None:
    image = a_file(CT)

    async def another(_: str, write: Write) -> None:
        await write(instance_answer(a_file(MR)))

    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        await index(world.hub, registered)
        pacs.misbehave = another

        moved = await keep_here(world.hub, registered)

    assert (moved.instances, moved.failed, moved.left) == (0, 1, 1)
    assert await _digests(world) == []


async def test_what_was_indexed_under_another_patient_stays_where_it_is(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(a_file(CT, PatientID="another")) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, image)

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        found = (await world.http.get("/dicomweb/studies", headers=caller)).json()

    assert (seen.instances, seen.refused) == (0, 1)
    assert [row["00100020"]["Value"] for row in found] == [["1CT1"]]


async def test_what_names_another_patient_by_now_waits_for_review_and_is_no_failure(world: World) -> None:
    image, corrected = a_file(CT), a_file(CT, PatientID="another")
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")
        await index(world.hub, registered)
        pacs.instances[uids(image)[2]] = corrected

        moved = await keep_here(world.hub, registered)
        found = (await world.http.get("/dicomweb/studies", headers=caller)).json()

    assert (moved.instances, moved.failed, moved.reviewed, moved.left) == (0, 0, 1, 1)
    assert [row["00100020"]["Value"] for row in found] == [["1CT1"]]


async def test_what_was_deleted_while_it_was_fetched_does_not_come_back(world: World) -> None:
    gone, kept = a_file(CT), a_file(MR)
    study = address(gone).partition("/series")[0]
    async with a_pacs(gone, kept) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")
        await index(world.hub, registered)
        serve = pacs.misbehave

        async def deleted_meanwhile(path: str, write: Write) -> None:
            if uids(gone)[2] in path:
                pacs.misbehave = serve
                assert (await world.http.delete(study, headers=caller)).status_code == 204
            await write(instance_answer(pacs.instances[path.rpartition("/")[2]]))

        pacs.misbehave = deleted_meanwhile
        moved = await keep_here(world.hub, registered)
        found = (await world.http.get("/dicomweb/instances", headers=caller)).json()

    assert (moved.instances, moved.failed, moved.left) == (1, 0, 0)
    assert [one["00080018"]["Value"][0] for one in found] == [uids(kept)[2]]


async def test_a_manifest_that_is_kept_here_brings_nothing_back_that_was_deleted(world: World) -> None:
    image = a_file(CT)
    manifest = a_manifest(image)
    async with a_pacs(image, manifest) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")
        await index(world.hub, registered)
        await world.http.delete(address(image), headers=caller)

        moved = await keep_here(world.hub, registered)
        found = (await world.http.get("/dicomweb/instances", headers=caller)).json()

    assert (moved.instances, moved.failed, moved.left) == (1, 0, 0)
    assert [one["00080018"]["Value"][0] for one in found] == [uids(manifest)[2]]


async def test_keeping_a_study_here_goes_on_where_it_was_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    files = _files()[2:]
    told: list[Moved] = []

    def stop(moved: Moved) -> None:
        told.append(moved)
        if len(told) == 2:
            raise KeyboardInterrupt

    async with a_pacs(*files) as pacs:
        await a_source(world, pacs)
        registered = await world.hub.sources.named("pacs-a")
        caller = await world.client("hospital-a")
        await index(world.hub, registered)
        pacs.asked.clear()
        with pytest.raises(KeyboardInterrupt):
            await keep_here(world.hub, registered, study=uids(files[0])[0], tell=stop)
        moved = await keep_here(world.hub, registered, study=uids(files[0])[0])
        fetched = list(pacs.asked)
        got = [parts_of(await world.http.get(address(one), headers=caller))[0][1] for one in files]

    assert [one.instances for one in told] == [2, 4]
    assert (moved.instances, moved.failed, moved.left) == (1, 0, 0)
    assert len(fetched) == len(set(fetched)) == 5
    assert got == files
