"""What the instances of the past say: filed once, under the labels of their study, and not again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.access import epoch
from app.imaging import filing
from app.imaging.reports import backfill
from app.imaging.reports.resources import MAPPING
from app.lifecycle import warn_of_reindexing
from tests.app.imaging.images import stored
from tests.app.imaging.reports.test_filing import HIV, an_order, found, the_patient
from tests.reports import STUDY, a_ct_dose, a_document, a_reading, some_key_images
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

TYPES = ("DiagnosticReport", "Observation", "DocumentReference")


@asynccontextmanager
async def the_past(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Be a release that files nothing of what instances say."""

    async def nothing(*_: Any) -> None:
        return

    with monkeypatch.context() as patched:
        patched.setattr(filing, "file_reports", nothing)
        yield
    await counted(world, backfill.MADE, 0)


async def counted(world: World, name: str, value: int) -> None:
    """Set a counter."""
    async with world.hub.database.write() as connection:
        await epoch.set_value(connection, name, value)


async def run(world: World, *, again: bool = False) -> tuple[int, int, int]:
    """Return the studies, what was made and what was changed of a whole run."""
    done = [one async for one in backfill.file_past(world.hub, again=again)]
    return sum(one.studies for one in done), sum(one.made for one in done), sum(one.changed for one in done)


async def test_what_instances_of_the_past_say_is_filed_once_with_its_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await world.client("hospital-a")
    order = await world.post(site, an_order(await the_patient(world, site)))
    async with the_past(world, monkeypatch):
        await stored(world, site, a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"), some_key_images())
    before = [len(await found(world, site, name)) for name in TYPES]

    runs = [await run(world), await run(world)]

    assert before == [0, 0, 0]
    assert runs == [(1, 4, 0), (1, 0, 0)]
    (study,) = await found(world, site, "ImagingStudy")
    (report,) = await found(world, site, f"DiagnosticReport?based-on=ServiceRequest/{order['id']}")
    assert report["imagingStudy"] == [{"reference": f"ImagingStudy/{study['id']}"}]
    assert report["conclusion"] == "肺癌の疑い。"
    assert [len(await found(world, site, name)) for name in TYPES] == [1, 1, 2]
    origins = await found(world, site, f"Provenance?target=DiagnosticReport/{report['id']}")
    assert [one["entity"][0]["what"]["reference"] for one in origins] == [f"ImagingStudy/{study['id']}"]


async def test_what_is_filed_later_is_as_hidden_as_its_study(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    site, other = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await the_patient(world, site)
    await world.post(site, a_consent(patient, "clinic-c"))
    async with the_past(world, monkeypatch):
        await stored(world, site, a_reading(), a_ct_dose())
    (study,) = await found(world, site, "ImagingStudy")
    study["meta"]["security"] = [HIV]
    await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=site, json=study)

    await run(world)

    assert [len(await found(world, site, name)) for name in TYPES] == [1, 1, 0]
    assert [len(await found(world, other, name)) for name in TYPES] == [0, 0, 0]


async def test_an_interrupted_run_goes_on_where_it_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    site = await world.client("hospital-a")
    async with the_past(world, monkeypatch):
        for number in range(3):
            uids = {"instance": f"1.2.392.66.3.{number}", "StudyInstanceUID": f"{STUDY}.{number}"}
            await stored(world, site, a_reading(**uids, SeriesInstanceUID=f"1.2.392.66.3.{number}.9"))
    monkeypatch.setattr(backfill, "BATCH", 1)

    first = backfill.file_past(world.hub, again=False)
    begun = await anext(first)
    await first.aclose()
    rest = await run(world)

    assert (begun, rest) == ((1, 1, 0), (2, 2, 0))
    assert len(await found(world, site, "DiagnosticReport")) == 3


async def test_what_its_site_has_deleted_or_changed_stays_so(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, a_reading(), a_ct_dose())
    (report,), (dose,) = await found(world, site, "DiagnosticReport"), await found(world, site, "Observation")
    await world.http.delete(f"/fhir/Observation/{dose['id']}", headers=site)
    report["conclusion"] = "異常なし"
    await world.http.put(f"/fhir/DiagnosticReport/{report['id']}", headers=site, json=report)

    done = await run(world)

    assert done == (1, 0, 0)
    assert [one["conclusion"] for one in await found(world, site, "DiagnosticReport")] == ["異常なし"]
    assert await found(world, site, "Observation") == []


@pytest.mark.parametrize("again", [True, False], ids=["asked for", "by an older mapping"])
async def test_what_is_there_is_made_anew_and_its_history_stays(world: World, again: bool) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, a_reading(), a_ct_dose())
    (report,) = await found(world, site, "DiagnosticReport")
    report["conclusion"] = "前の写し方"
    await world.http.put(f"/fhir/DiagnosticReport/{report['id']}", headers=site, json=report)
    await counted(world, backfill.MADE, MAPPING if again else MAPPING + 1)

    done = await run(world, again=again)

    assert done == (1, 0, 1)
    assert [one["conclusion"] for one in await found(world, site, "DiagnosticReport")] == ["肺癌の疑い。"]
    history = (await world.http.get(f"/fhir/DiagnosticReport/{report['id']}/_history", headers=site)).json()
    assert history["entry"][1]["resource"]["conclusion"] == "前の写し方"
    assert await run(world) == (1, 0, 0)


async def test_the_log_says_that_a_run_is_due_until_it_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = await world.client("hospital-a")
    async with the_past(world, monkeypatch):
        await stored(world, site, a_reading())

    await warn_of_reindexing(world.hub)
    before = [one for one in caplog.messages if "renkei imaging-reports" in one]
    await run(world)
    caplog.clear()
    await warn_of_reindexing(world.hub)

    assert len(before) == 1
    assert caplog.messages == []
