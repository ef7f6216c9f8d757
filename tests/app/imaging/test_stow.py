import asyncio

import pydicom
import pytest
from starlette.types import Message

from app.blobs.collect import collect
from dicom.part10 import read_instance
from tests.app.imaging.images import (
    CHR_H31,
    CHR_H32,
    CT,
    MR,
    TRUNCATED,
    a_body,
    a_file,
    address,
    described_all,
    send,
    stored,
    uids,
)
from tests.blobs import pass_days
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_an_instance_is_stored_and_can_be_had_unchanged(world: World) -> None:
    hospital = await world.client("hospital-a")
    study, _, instance = uids(a_file(CT))

    response = await send(world, hospital, a_file(CT))

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/dicom+json"
    root = "http://127.0.0.1:8080/dicomweb/studies"
    answer = response.json()
    assert answer["00081190"]["Value"] == [f"{root}/{study}"]
    assert answer["00081199"]["Value"][0]["00081155"]["Value"] == [instance]
    assert "00081198" not in answer
    got = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": "application/dicom"})
    assert got.content == a_file(CT)


async def test_the_same_bytes_again_are_a_success_and_stored_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    again = await send(world, hospital, a_file(CT), a_file(CT))

    assert again.status_code == 200
    found = (await world.http.get("/dicomweb/instances", headers=hospital)).json()
    assert len(found) == 1
    assert await world.total(hospital, "ImagingStudy") == 1
    assert await world.total(hospital, "Patient") == 1


async def test_other_bytes_under_the_same_uid_are_refused_and_the_first_kept(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    response = await send(world, hospital, a_file(CT, SeriesDescription="another"))

    assert response.status_code == 409
    assert response.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]
    got = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": "application/dicom"})
    assert got.content == a_file(CT)


async def test_other_bytes_under_the_same_uid_are_refused_within_a_request(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT), a_file(CT, SeriesDescription="another"))

    assert response.status_code == 202
    assert response.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]
    assert len(response.json()["00081199"]["Value"]) == 1


async def test_the_good_are_stored_and_the_bad_are_named(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(TRUNCATED), a_file(CT), b"no DICOM at all", b"")

    assert response.status_code == 202
    failed = response.json()["00081198"]["Value"]
    assert [one["00081197"]["Value"] for one in failed] == [[0xC000], [0xC000], [0x0110]]
    assert failed[0]["00081155"]["Value"] == [pydicom.dcmread(_path(TRUNCATED), stop_before_pixels=True).SOPInstanceUID]
    assert len((await world.http.get("/dicomweb/studies", headers=hospital)).json()) == 1


async def test_a_file_cut_short_stores_nothing_and_leaves_no_file_behind(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT)[:20_000])

    assert response.status_code == 409
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0xC000]
    assert "longer than what is left" in failed["00000902"]["Value"][0]
    assert await world.total(hospital, "Patient") == 0
    assert _blobs(world) == []


async def test_two_patients_in_one_request_are_two_patients(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT), a_file(MR))

    assert response.status_code == 200
    assert await world.total(hospital, "Patient") == 2
    assert await world.total(hospital, "ImagingStudy") == 2


async def test_another_patient_in_the_same_study_waits_for_a_person_and_is_not_created(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4", PatientID="OTHER"))

    assert response.status_code == 202
    filed, waits = response.json()["00081199"]["Value"]
    assert (waits["00081155"]["Value"], waits["00081190"]) == (["1.2.3.4"], {"vr": "UR"})
    assert "00081196" not in filed
    assert await world.total(hospital, "Patient") == 1


async def test_what_a_refused_instance_left_is_collected_and_what_was_stored_is_not(world: World) -> None:
    hospital = await world.client("hospital-a")
    series = {"StudyInstanceUID": "1.2.9", "SOPInstanceUID": "1.2.3.4"}
    assert (await send(world, hospital, a_file(CT), a_file(CT, **series))).status_code == 202
    pass_days(world.hub, 1.1)

    done = await collect(world.hub)

    assert (done.seen.count, done.set_aside.count) == (2, 1)
    (study,) = (await world.http.get("/dicomweb/studies", headers=hospital)).json()
    uid = study["0020000D"]["Value"][0]
    retrieved = await world.http.get(f"/dicomweb/studies/{uid}", headers=hospital)
    assert retrieved.status_code == 200
    again = await send(world, hospital, a_file(CT))
    assert again.status_code == 200


async def test_an_instance_without_a_patient_id_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT, PatientID=""))

    assert response.status_code == 409
    assert response.json()["00081198"]["Value"][0]["00000902"]["Value"] == ["the Patient ID is missing"]


async def test_an_instance_of_another_study_than_the_address_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")

    response = await send(world, hospital, a_file(CT), study="1.2.3")

    assert response.status_code == 409
    assert response.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]


@pytest.mark.parametrize(
    ("name", "alphabetic"), [(CHR_H31, ("Yamada", "Tarou")), (CHR_H32, ("ﾔﾏﾀﾞ", "ﾀﾛｳ"))], ids=["H31", "H32"]
)
async def test_a_new_patient_has_all_groups_of_the_name(world: World, name: str, alphabetic: tuple[str, str]) -> None:
    hospital = await world.client("hospital-a")

    await stored(world, hospital, a_file(name, PatientBirthDate="19600102", PatientSex="M"))

    (entry,) = (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"]
    patient = entry["resource"]
    assert [(one["extension"][0]["valueCode"], one["family"], one["given"]) for one in patient["name"]] == [
        ("IDE", "山田", ["太郎"]),
        ("SYL", "やまだ", ["たろう"]),
        ("ABC", alphabetic[0], [alphabetic[1]]),
    ]
    assert (patient["birthDate"], patient["gender"]) == ("1960-01-02", "male")


async def test_the_site_s_patient_is_found_by_its_number(world: World) -> None:
    hospital = await world.client("hospital-a")
    system = "urn:oid:1.2.392.100495.20.3.51.10110000001"
    resource = {"resourceType": "Patient", "identifier": [{"system": system, "value": "1CT1"}]}
    patient = await world.post(hospital, resource)

    await stored(world, hospital, a_file(CT))

    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    assert entry["resource"]["subject"]["reference"] == f"Patient/{patient['id']}"
    assert await world.total(hospital, "Patient") == 1


async def test_another_issuer_s_number_is_another_patient(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    foreign = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "SOPInstanceUID": "1.2.3.1.1"}
    await stored(world, hospital, a_file(CT, IssuerOfPatientID="HOSPITAL Z", **foreign))

    systems = {
        entry["resource"]["identifier"][0]["system"]
        for entry in (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"]
    }
    assert systems == {
        "urn:oid:1.2.392.100495.20.3.51.10110000001",
        "http://renkei.example/fhir/NamingSystem/issuer-of-patient-id/hospital-a/HOSPITAL%20Z",
    }


async def test_the_imaging_study_is_in_step_with_what_is_stored(world: World) -> None:
    hospital = await world.client("hospital-a")
    study, series, instance = uids(a_file(CT))
    await stored(world, hospital, a_file(CT))

    await stored(
        world,
        hospital,
        a_file(CT, SOPInstanceUID="1.2.3.4", InstanceNumber=7),
        a_file(CT, SOPInstanceUID="1.2.3.5", SeriesInstanceUID="1.2.3", Modality="PR", SeriesNumber=9),
    )

    await described_all(world)
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    found = entry["resource"]
    assert found["meta"]["versionId"] == "2"
    assert found["identifier"][0] == {"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}
    assert found["started"] == "2004-01-19T07:27:30-05:00"
    assert (found["numberOfSeries"], found["numberOfInstances"]) == (2, 3)
    assert [one["code"] for one in found["modality"]] == ["CT", "PR"]
    first = next(one for one in found["series"] if one["uid"] == series)
    assert {one["uid"] for one in first["instance"]} == {instance, "1.2.3.4"}
    by_uid = await world.total(hospital, f"ImagingStudy?identifier=urn:dicom:uid|urn:oid:{study}")
    assert by_uid == 1


async def test_the_same_disc_from_two_sites_is_kept_twice(world: World) -> None:
    one, other = await world.client("hospital-a"), await world.client("hospital-b")

    await stored(world, one, a_file(CT))
    await stored(world, other, a_file(CT))

    for caller in (one, other):
        assert len((await world.http.get("/dicomweb/studies", headers=caller)).json()) == 1
        assert await world.total(caller, "ImagingStudy") == 1


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "application/zip"}, b"", 415),
        ({"content-type": 'multipart/related; type="image/jpeg"; boundary=b'}, b"", 415),
        ({"content-type": "multipart/related; type=application/dicom"}, b"", 400),
        ({"content-type": "multipart/related; boundary=b"}, b"--b--", 400),
        ({"content-type": "multipart/related; boundary=b"}, b"--b\r\n\r\ncut", 400),
        ({"content-type": "multipart/related; boundary=b", "content-encoding": "gzip"}, b"", 415),
        ({"content-type": "multipart/related; boundary=b", "accept": "text/html"}, b"", 406),
    ],
    ids=["archive", "pictures", "no boundary", "no part", "cut short", "compressed", "HTML answer"],
)
async def test_a_body_of_another_form_is_refused(
    world: World, headers: dict[str, str], content: bytes, status: int
) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.post("/dicomweb/studies", headers=hospital | headers, content=content)

    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"
    assert _blobs(world) == []


async def test_a_person_stores_no_images(world: World) -> None:
    doctor = await world.client("hospital-a", role="doctor")

    response = await send(world, doctor, a_file(CT))

    assert response.status_code == 403


def _path(name: str) -> str:
    from tests.app.imaging.images import FILES

    return str(FILES / name)


def _blobs(world: World) -> list[str]:
    from pathlib import Path

    return [path.name for path in Path(world.hub.settings.blobs_place).rglob("*") if path.is_file()]


async def test_many_send_the_same_study_at_once_and_each_instance_is_there_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    slices = [a_file(CT, SOPInstanceUID=f"1.2.3.{number}", InstanceNumber=number) for number in range(6)]

    answers = await asyncio.gather(*(send(world, hospital, *slices[n : n + 3]) for n in (0, 1, 2, 3)))

    assert [one.status_code for one in answers] == [200] * 4
    (study,) = (await world.http.get("/dicomweb/studies", headers=hospital)).json()
    assert study["00201208"]["Value"] == [6]
    assert await world.total(hospital, "ImagingStudy") == 1


async def gone(world: World, caller: dict[str, str], body: bytes) -> None:
    """Send the beginning of a file, and go away."""
    path = "/dicomweb/studies"
    headers = [(name.lower().encode(), value.encode()) for name, value in caller.items()]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {
        "headers": [*headers, (b"content-type", b"application/dicom"), (b"content-length", b"1000000")],
        "root_path": "",
    }
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8080), "scheme": "http", "http_version": "1.1"}
    messages = iter([{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}])
    answers: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send_(message: Message) -> None:
        answers.append(message)

    await world.app(scope, receive, send_)
    assert answers[0]["status"] == 400


async def test_a_sender_that_was_cut_off_sends_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    slices = [a_file(CT, SOPInstanceUID=f"1.2.3.{number}") for number in range(3)]
    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}

    cut = await world.http.post("/dicomweb/studies", headers=hospital | kind, content=a_body(*slices)[:-2000])
    again = await send(world, hospital, *slices)

    assert (cut.status_code, again.status_code) == (400, 200)
    assert len(again.json()["00081199"]["Value"]) == 3
    assert len((await world.http.get("/dicomweb/instances", headers=hospital)).json()) == 3


async def test_a_file_whose_sender_goes_away_is_not_stored_though_it_looks_whole(world: World) -> None:
    hospital = await world.client("hospital-a")
    report = a_file("test_files/reportsi.dcm", PatientID="A")
    last = list(read_instance(report).file.data_set.values())[-1]
    short = report[: last.offset - 12]
    assert last.vr == "SQ"
    assert read_instance(short).sop_instance_uid == uids(report)[2]

    await gone(world, hospital, short)
    left = await world.http.get("/dicomweb/instances", headers=hospital)
    again = await send(world, hospital, report)

    assert left.json() == []
    assert again.status_code == 200


STATED = a_file(CT, IssuerOfPatientID="1.2.3", SOPInstanceUID="1.2.3.10")
UNSTATED = a_file(CT, SOPInstanceUID="1.2.3.11")


@pytest.mark.parametrize("order", [(STATED, UNSTATED), (UNSTATED, STATED)], ids=["before", "after"])
@pytest.mark.parametrize("requests", [1, 2])
async def test_who_says_no_issuer_means_the_patient_of_the_study(
    world: World, order: tuple[bytes, bytes], requests: int
) -> None:
    hospital = await world.client("hospital-a")

    sent = [order] if requests == 1 else [(one,) for one in order]
    answers = [await send(world, hospital, *some) for some in sent]

    assert {one.status_code for one in answers} == {200}
    assert await world.total(hospital, "Patient") == 1
    assert await world.total(hospital, "ImagingStudy") == 1
    # Another number, or another issuer than the one that was stated, is somebody else's.
    for values in ({"PatientID": "2"}, {"IssuerOfPatientID": "1.2.4"}):
        other = await send(world, hospital, a_file(CT, SOPInstanceUID="1.2.3.12", **values))
        if order[0] is STATED or "PatientID" in values:
            assert other.json()["00081199"]["Value"][0]["00081196"]["Value"] == [0xB000]
    # In another study the site's own number is the site's own patient.
    await stored(
        world, hospital, a_file(CT, StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1", SOPInstanceUID="1.2.9.1.1")
    )
    assert await world.total(hospital, "Patient") == (2 if order[0] is STATED else 1)


async def test_a_study_whose_patient_is_deleted_gets_nothing_more(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, STATED)
    (entry,) = (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"]
    await world.http.delete(f"/fhir/Patient/{entry['resource']['id']}", headers=hospital)

    more = (UNSTATED, a_file(CT, IssuerOfPatientID="1.2.3", SOPInstanceUID="1.2.3.13"))
    answers = [await send(world, hospital, one) for one in more]

    # Whose it is somebody has to say: the object is kept.
    assert [one.status_code for one in answers] == [202, 202]
    assert len((await world.http.get("/dicomweb/instances", headers=hospital)).json()) == 1
