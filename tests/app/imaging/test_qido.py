import pytest

from dicom.phantom import CR, Patient, Study, instances
from dicom.phantom import CT as CT_PHANTOM
from tests.app.imaging.images import CHR_H31, CHR_H32, CT, MR, a_file, stored, uids
from tests.world import World

pytestmark = pytest.mark.anyio


async def found(world: World, caller: dict[str, str], query: str) -> list[dict]:
    """Return the results of a search."""
    response = await world.http.get(f"/dicomweb/{query}", headers=caller)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/dicom+json"
    return response.json()


async def test_a_study_tells_what_it_holds(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4"))
    study, _, _ = uids(a_file(CT))

    (one,) = await found(world, hospital, "studies?includefield=all")

    assert one["0020000D"]["Value"] == [study]
    assert one["00080061"]["Value"] == ["CT"]
    assert (one["00201206"]["Value"], one["00201208"]["Value"]) == ([1], [2])
    assert one["00081190"]["Value"] == [f"http://127.0.0.1:8080/dicomweb/studies/{study}"]
    assert one["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("studies", 4),
        ("studies?PatientID=1CT1", 1),
        ("studies?00100020=*1", 2),
        ("studies?PatientID=%2a1", 2),
        ("studies?PatientName=Compressed*", 2),
        ("studies?PatientName=compressedsamples^mr?", 1),
        ("studies?PatientName=山田*", 2),
        ("studies?PatientName=ヤマダ*", 2),
        ("studies?StudyDate=20040119", 1),
        ("studies?StudyDate=20040101-20041231", 2),
        ("studies?StudyDate=20050101-", 0),
        ("studies?ModalitiesInStudy=CT,MR", 2),
        ("studies?ModalitiesInStudy=CR", 0),
        ("studies?limit=1", 1),
        ("studies?limit=3&offset=3", 1),
        ("studies?offset=999999999999999", 0),
        ("series", 4),
        ("series?Modality=MR", 1),
        ("instances", 4),
        ("instances?Rows=128", 1),
        ("instances?SOPInstanceUID=1.2.3", 0),
    ],
)
async def test_searches_find_what_matches(world: World, query: str, number: int) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *(a_file(name) for name in (CT, MR, CHR_H31, CHR_H32)))

    assert len(await found(world, hospital, query)) == number


async def test_series_and_instances_are_found_below_their_study(world: World) -> None:
    hospital = await world.client("hospital-a")
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    chest = Study(1, person, CT_PHANTOM, slices=3, edge=16)
    film = Study(2, person, CR, edge=16)
    await stored(world, hospital, *instances(chest), *instances(film))
    study, series, _ = uids(next(instances(chest)))

    assert len(await found(world, hospital, "instances")) == 4
    assert len(await found(world, hospital, f"studies/{study}/series")) == 1
    below = await found(world, hospital, f"studies/{study}/series/{series}/instances")
    assert [one["00200013"]["Value"] for one in below] == [[1], [2], [3]]
    assert await found(world, hospital, f"studies/{study}/instances") == below
    assert await found(world, hospital, f"studies/{study}/series/1.2.3/instances") == []


async def test_fuzzy_matching_is_warned_about(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.get("/dicomweb/studies?fuzzymatching=true&PatientName=x", headers=hospital)

    assert response.json() == []
    assert response.headers["warning"].startswith("299 http://127.0.0.1:8080/dicomweb ")
    assert "fuzzymatching" in response.headers["warning"]


async def test_more_results_than_a_page_holds_are_warned_about(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *(a_file(CT, SOPInstanceUID=f"1.2.3.{number}") for number in range(3)))
    small = world.hub.settings.model_copy(update={"page_entries_limit": 2})
    world.hub.settings = small

    whole = await world.http.get("/dicomweb/instances", headers=hospital)
    last = await world.http.get("/dicomweb/instances?offset=1", headers=hospital)

    assert (len(whole.json()), len(last.json())) == (2, 2)
    assert "Additional results can be requested" in whole.headers["warning"]
    assert "warning" not in last.headers


@pytest.mark.parametrize(
    "query",
    [
        "foo=bar",
        "limit=abc",
        "StudyDate=yesterday",
        "StudyInstanceUID=x",
        "Modality=CT",
        "PatientID=%00",
        "PatientID=%ff",
    ],
)
async def test_a_malformed_query_is_refused(world: World, query: str) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.get(f"/dicomweb/studies?{query}", headers=hospital)

    assert response.status_code == 400
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_results_are_written_as_json_only(world: World) -> None:
    hospital = await world.client("hospital-a")

    for accept, status in (("application/dicom+xml", 406), ("application/json", 200), ("*/*", 200)):
        response = await world.http.get("/dicomweb/studies", headers=hospital | {"accept": accept})
        assert response.status_code == status
    by_parameter = await world.http.get("/dicomweb/studies?accept=application/dicom%2bjson", headers=hospital)
    assert by_parameter.status_code == 200
