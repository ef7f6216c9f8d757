"""C-FIND: what matches in the caller's world, in the character set that was asked for, on record before it leaves."""

import warnings
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import Dataset

from app.settings import Settings
from dicom.services.statuses import OUT_OF_RESOURCES
from tests.app.access.test_limits import limited
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.images import CHR_H31, CHR_H32, CT, FILES, MR, a_file, send, stored, uids
from tests.dimse import PATIENT_ROOT_FIND, STUDY_ROOT_FIND, a_node, aside, asking, associated, associating, found
from tests.world import World, a_consent, running

pytestmark = pytest.mark.anyio

JAPANESE = [CHR_H31, CHR_H32, "charset_files/chrJapMulti.dcm"]
STUDY, SERIES, INSTANCE = uids(a_file(CT))


def named(file: str | Path) -> tuple[str, str, bytes]:
    """Return the character set, the name and its octets that a file has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(FILES / file)
        terms = ds.SpecificCharacterSet
        return "\\".join([terms] if isinstance(terms, str) else terms), str(ds.PatientName), octets_of(ds)


def octets_of(ds: Dataset) -> bytes:
    return bytes(ds.PatientName.original_string).rstrip()


async def test_each_level_returns_what_was_asked_for_and_no_more(settings: Settings, world: World) -> None:
    await a_node(world)
    await stored(world, await world.client("hospital-a"), a_file(CT), a_file(MR))
    async with associating(world.hub) as door:
        keys: dict[str, Any] = {"StudyInstanceUID": "", "PatientID": "1CT*", "ModalitiesInStudy": ""}
        (study, end) = await aside(found, door, asking("STUDY", **keys, NumberOfStudyRelatedInstances=""))
        one: dict[str, Any] = {"StudyInstanceUID": STUDY}
        (series, _) = await aside(found, door, asking("SERIES", **one, SeriesInstanceUID="", Modality="CT"))
        wide = asking("IMAGE", **one, SeriesInstanceUID=SERIES, SOPInstanceUID="", Rows=None)
        (image, _) = await aside(found, door, wide)
        rows = [await aside(found, door, asking("IMAGE", **one, Rows=rows)) for rows in (128, 129)]
        patients = asking("PATIENT", PatientID="", PatientName="")
        everybody = await aside(lambda: found(door, patients, model=PATIENT_ROOT_FIND))
        ranged = await aside(found, door, asking("STUDY", StudyDate="20040101-20041231", StudyInstanceUID=""))
        nothing = await aside(found, door, asking("STUDY", PatientID="nobody"))

    assert end == 0
    assert {element.keyword: element.value for element in study} == {
        "QueryRetrieveLevel": "STUDY",
        "RetrieveAETitle": "RENKEI",
        "InstanceAvailability": "ONLINE",
        "ModalitiesInStudy": "CT",
        "PatientID": "1CT1",
        "StudyInstanceUID": STUDY,
        "NumberOfStudyRelatedInstances": 1,
    }
    assert (series.SeriesInstanceUID, series.Modality) == (SERIES, "CT")
    assert (image.SOPInstanceUID, image.Rows) == (INSTANCE, 128)
    assert [len(answers) for answers in rows] == [2, 1]
    assert [answers[-1] for answers in rows] == [0, 0]
    assert sorted(one.PatientID for one in everybody[:-1]) == ["1CT1", "4MR1"]
    assert len(ranged) == 3
    assert nothing == [0]
    asked = [one for one in await recorded(settings) if one.interaction == "c-find"]
    assert {one.outcome for one in asked} == {"0"}
    assert asked[0].query == "level=STUDY&00100020=1CT%2A"
    assert (asked[0].patient is not None, asked[0].entities, asked[-1].patient) == (True, (), None)


@pytest.mark.parametrize("file", JAPANESE)
async def test_a_japanese_name_is_found_by_its_octets_and_returned_in_the_same(world: World, file: str) -> None:
    terms, name, octets = named(file)
    await a_node(world)
    assert (await send(world, await world.client("hospital-a"), (FILES / file).read_bytes())).is_success

    def asked(**keys: Any) -> list[Dataset]:
        ds = asking("STUDY", PatientName="", **keys)
        if "SpecificCharacterSet" in keys:
            ds.PatientName = name
        return list(found(door, ds)[:-1])

    async with associating(world.hub) as door:
        (same,) = await aside(lambda: asked(SpecificCharacterSet=terms.split("\\")))
        (unicode,) = await aside(lambda: asked(SpecificCharacterSet="ISO_IR 192"))
        (unasked,) = await aside(asked)
        latin = asking("STUDY", PatientName="*", SpecificCharacterSet="ISO_IR 100")
        (fallback, _) = await aside(found, door, latin)

    assert octets_of(same) == octets
    assert str(same.PatientName) == str(unicode.PatientName) == str(unasked.PatientName) == name
    assert (unicode.SpecificCharacterSet, unasked.SpecificCharacterSet) == ("ISO_IR 192", "ISO_IR 192")
    assert (fallback.SpecificCharacterSet, str(fallback.PatientName)) == ("ISO_IR 192", name)


async def test_what_the_caller_may_not_see_is_not_there(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await a_node(world)
    await a_node(world, "clinic-c")
    await stored(world, hospital, a_file(CT))
    await stored(world, clinic, a_file(MR))
    (entry,) = (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"]
    keys: dict[str, Any] = {"StudyInstanceUID": "", "NumberOfStudyRelatedInstances": ""}

    async with associating(world.hub) as door:

        async def seen(title: str) -> list[str]:
            answers = await aside(lambda: found(door, asking("STUDY", **keys), title=title))
            assert answers[-1] == 0
            return [one.StudyInstanceUID for one in answers[:-1]]

        before = await seen("CLINIC-C")
        consent = await world.post(hospital, a_consent(entry["resource"]["id"], "clinic-c"))
        granted = await seen("CLINIC-C")
        withdrawn = {**consent, "status": "inactive"}
        address = f"/fhir/Consent/{consent['id']}"
        assert (await world.http.put(address, headers=hospital, json=withdrawn)).status_code == 200
        after = await seen("CLINIC-C")

    assert before == after == [uids(a_file(MR))[0]]
    assert sorted(granted) == sorted([STUDY, before[0]])


async def test_a_search_is_bounded_cancelled_and_refused_with_a_reason(settings: Settings) -> None:
    numbers = range(1, 7)
    files = [
        a_file(CT, SOPInstanceUID=f"1.2.{n}", SeriesInstanceUID=f"1.3.{n}", StudyInstanceUID=f"1.{n}") for n in numbers
    ]
    async with running(settings.model_copy(update={"dimse_matches": 4})) as world, associating(world.hub) as door:
        await a_node(world)
        await stored(world, await world.client("hospital-a"), *files)

        def cancelled() -> tuple[int, int]:
            with associated(door, STUDY_ROOT_FIND) as association:
                asked = asking("STUDY", StudyInstanceUID="")
                statuses = []
                for status, _ in association.send_c_find(asked, STUDY_ROOT_FIND, msg_id=7):
                    if not statuses:
                        association.send_c_cancel(7, query_model=STUDY_ROOT_FIND)
                    statuses.append(status.Status)
            return len(statuses), statuses[-1]

        def ended(asked: Dataset, model: str = STUDY_ROOT_FIND) -> tuple[int, str]:
            with associated(door, model) as association:
                status = list(association.send_c_find(asked, model))[-1][0]
            return status.Status, status.get("ErrorComment", "")

        many = await aside(found, door, asking("STUDY", StudyInstanceUID=""))
        count, last = await aside(cancelled)
        wrong = [
            await aside(ended, asking("PATIENT", PatientID="")),
            await aside(ended, asking("SHELF", PatientID="")),
            await aside(ended, asking("STUDY", StudyDate="yesterday")),
            await aside(ended, asking("STUDY", StudyInstanceUID="1.2.x")),
        ]
        unsupported = asking("STUDY", StudyInstanceUID="1.1", StudyComments="")

        def pending() -> list[int]:
            with associated(door, STUDY_ROOT_FIND) as association:
                return [one.Status for one, _ in association.send_c_find(unsupported, STUDY_ROOT_FIND)]

        kinds = await aside(pending)

    assert (len(many), many[-1]) == (5, 0xA700)
    # The matches may have left before the cancellation came.
    assert (last in (0xFE00, 0xA700), count <= 5) == (True, True)
    assert {code for code, _ in wrong} == {0xA900}
    assert [words for _, words in wrong] == [
        "The Query/Retrieve Level is none of this model",
        "The Query/Retrieve Level is none of this model",
        "the value of StudyDate is no date or range of dates",
        "the value of StudyInstanceUID is no UID",
    ]
    assert kinds == [0xFF01, 0]


async def test_questions_about_who_somebody_is_are_counted_as_searches_for_people(world: World) -> None:
    await a_node(world)
    limited(world, person_searches_per_minute=1)
    who, study = asking("PATIENT", PatientID="", PatientName=""), asking("STUDY", PatientName="A*")
    known = asking("PATIENT", PatientID="nobody")
    async with associating(world.hub) as door:
        asked = [await aside(lambda: found(door, who, model=PATIENT_ROOT_FIND)) for _ in range(9)]
        asked += [await aside(found, door, study) for _ in range(2)]
        asked.append(await aside(lambda: found(door, known, model=PATIENT_ROOT_FIND)))

    assert [one[-1] for one in asked] == [0] * 10 + [OUT_OF_RESOURCES, 0]
