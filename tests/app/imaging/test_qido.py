import pytest
from pydicom.dataset import Dataset

from dicom.phantom import CR, Patient, Study, instances
from dicom.phantom import CT as CT_PHANTOM
from dicom.xml_model import from_xml
from tests.app.imaging.images import CHR_H31, CHR_H32, CT, MR, a_file, parts_of, stored, uids
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
        ("studies?ModalitiesInStudy=C*", 1),
        ("studies?ModalitiesInStudy=C?%5Cm*", 2),
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


_FUZZY = [
    ("yamada", 1),
    ("taro yam", 1),
    ("Tarō", 1),
    ("ﾔﾏﾀﾞ", 1),
    ("ヤマダ タロ", 1),
    ("山田", 1),
    ("田", 0),
    ("amada", 0),
    ("yamada hanako", 0),
]


async def test_fuzzy_names_are_found_by_the_beginnings_of_words_in_any_script(world: World) -> None:
    hospital = await world.client("hospital-a")
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    await stored(world, hospital, *instances(Study(1, person, CR, edge=16)), a_file(CT))

    for name, number in _FUZZY:
        assert len(await found(world, hospital, f"studies?fuzzymatching=true&PatientName={name}")) == number
        assert len(await found(world, hospital, f"series?PatientName={name}&fuzzymatching=true")) == number


def a_requested_image(number: int, **values: object) -> bytes:
    """Return an instance of a study of its own that was asked for."""
    request = Dataset()
    request.RequestedProcedureID = f"R-{number}"
    request.ScheduledProcedureStepID = f"S-{number}"
    request.RequestedProcedureCodeSequence = [Dataset()]
    request.RequestedProcedureCodeSequence[0].CodeValue = f"CODE{number}"
    uid = {f"{name}InstanceUID": f"1.2.{n}.{number}" for n, name in enumerate(("Study", "Series", "SOP"), start=3)}
    return a_file(CT, **uid, RequestAttributesSequence=[request], ProtocolName=f"Protocol {number % 2}", **values)


_UNINDEXED = [
    ("RequestAttributesSequence.RequestedProcedureID=R-2", ["1.2.3.2"]),
    ("00400275.00401001=R-2", ["1.2.3.2"]),
    ("RequestAttributesSequence.00401001=r-*", ["1.2.3.1", "1.2.3.2", "1.2.3.3"]),
    ("RequestAttributesSequence.RequestedProcedureID=R-1%5CR-3", ["1.2.3.1", "1.2.3.3"]),
    ("RequestAttributesSequence.RequestedProcedureCodeSequence.CodeValue=CODE3", ["1.2.3.3"]),
    ("ProtocolName=Protocol%201", ["1.2.3.1", "1.2.3.3"]),
    ("ProtocolName=Protocol%201&limit=1&offset=1", ["1.2.3.3"]),
    ("ProtocolName=Protocol%201&StudyInstanceUID=1.2.3.1,1.2.3.2", ["1.2.3.1"]),
    ('PatientComments=""&PatientID=1CT1', ["1.2.3.1", "1.2.3.2", "1.2.3.3"]),
    ("PatientComments=x", []),
    ('AccessionNumber=""&ProtocolName=Protocol%200', ["1.2.3.2"]),
]


async def test_what_is_not_indexed_is_matched_in_what_was_stored(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *(a_requested_image(number) for number in (1, 2, 3)))

    for query, studies in _UNINDEXED:
        one = await world.http.get(f"/dicomweb/studies?{query}", headers=hospital)

        assert [found["0020000D"]["Value"][0] for found in one.json()] == studies
        if "limit" not in query:
            assert one.headers["x-total-count"] == str(len(studies))
            for level in ("series", "instances"):
                assert len(await found(world, hospital, f"{level}?{query}")) == len(studies)


async def test_a_search_of_what_is_not_indexed_reads_so_many_instances(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicom.store.unindexed.MOST_SCANNED", 2)
    monkeypatch.setattr("dicom.store.unindexed.READ_AT_ONCE", 1)
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *(a_requested_image(number) for number in (1, 2, 3)))

    broad = await world.http.get("/dicomweb/studies?ProtocolName=Protocol*", headers=hospital)
    narrow = await world.http.get(
        "/dicomweb/studies?ProtocolName=Protocol*&StudyInstanceUID=1.2.3.1,1.2.3.2", headers=hospital
    )

    assert (broad.status_code, broad.json()["issue"][0]["code"]) == (413, "too-long")
    assert len(narrow.json()) == 2


async def test_fields_that_are_not_indexed_come_out_of_what_was_stored(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_requested_image(1))

    for level in ("studies", "series", "instances"):
        (one,) = await found(world, hospital, f"{level}?includefield=ProtocolName,00400275,00091001,7FE00010")
        assert one["00181030"]["Value"] == ["Protocol 1"]
        assert one["00400275"]["Value"][0]["00401001"]["Value"] == ["R-1"]
        assert one["00080005"]["Value"] == ["ISO_IR 192"]
        assert "7FE00010" not in one
        assert "00181030" not in (await found(world, hospital, level))[0]
    (study,) = await found(world, hospital, "studies?includefield=all")
    assert study["00080062"]["Value"] == ["1.2.840.10008.5.1.4.1.1.2"]
    assert study["00101010"]["Value"] == ["000Y"]
    (series,) = await found(world, hospital, "series?includefield=all")
    assert series["00080070"]["Value"] == ["GE MEDICAL SYSTEMS"]
    (instance,) = await found(world, hospital, "instances?includefield=all")
    assert instance["00180050"]["Value"] == [5.0]


async def test_the_total_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.imaging.qido.COUNTED", 2)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, *(a_file(CT, SOPInstanceUID=f"1.2.3.{number}") for number in range(3)))

    async def told(query: str, caller: dict[str, str] = hospital, **headers: str) -> str | None:
        answer = await world.http.get(f"/dicomweb/{query}", headers=caller | headers)
        return answer.headers.get("x-total-count")

    assert await told("instances") == "3"
    assert await told("studies?limit=1") == "1"
    assert await told("instances?limit=2&offset=1") == "3"
    assert await told("instances?limit=1") is None
    assert await told("instances?limit=1", prefer="count=exact") == "3"
    assert await told("instances?offset=7", prefer="count=exact") == "3"
    assert await told("instances?limit=1", clinic, prefer="count=exact") == "0"


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


async def test_results_that_have_not_changed_are_not_sent_again(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, a_file(CT))
    first = await world.http.get("/dicomweb/studies", headers=hospital)
    known = {"if-none-match": first.headers["etag"]}

    again = await world.http.get("/dicomweb/studies", headers=hospital | known)
    elsewhere = await world.http.get("/dicomweb/studies", headers=clinic | known)
    await stored(world, hospital, a_file(MR))
    more = await world.http.get("/dicomweb/studies", headers=hospital | known)

    assert (again.status_code, again.content, again.headers["x-total-count"]) == (304, b"", "1")
    assert (elsewhere.status_code, elsewhere.json()) == (200, [])
    assert (more.status_code, len(more.json())) == (200, 2)


async def test_results_are_written_as_json_or_as_xml(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(MR))
    xml = 'multipart/related; type="application/dicom+xml"'

    for accept, status in (("application/dicom+xml", 406), ("application/json", 200), ("*/*", 200), (xml, 200)):
        response = await world.http.get("/dicomweb/studies", headers=hospital | {"accept": accept})
        assert response.status_code == status
    parts = parts_of(response)
    assert [kind for kind, _ in parts] == ["application/dicom+xml"] * 2
    plain = (await world.http.get("/dicomweb/studies", headers=hospital)).json()
    assert [from_xml(part) for _, part in parts] == plain
    for asked in ("application/dicom%2bjson", "application/dicom+json"):
        by_parameter = await world.http.get(f"/dicomweb/studies?accept={asked}", headers=hospital)
        assert by_parameter.status_code == 200


async def test_bulk_data_in_a_sequence_is_named_by_its_whole_address(world: World) -> None:
    hospital = await world.client("hospital-a")
    icon = Dataset()
    icon.Rows = icon.Columns = 64
    icon.add_new(0x7FE00010, "OW", b"\1\2" * 2048)
    await stored(world, hospital, a_file(CT, IconImageSequence=[icon]))

    (one,) = await found(world, hospital, "studies?includefield=IconImageSequence")

    place = one["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"]
    assert place.startswith(f"{world.hub.settings.address}/dicomweb/studies/")
    octets = await world.http.get(place, headers=hospital | {"accept": "application/octet-stream"})
    assert octets.content == b"\1\2" * 2048
