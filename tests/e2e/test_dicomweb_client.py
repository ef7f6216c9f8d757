"""A real client library against a real server: dicomweb-client, over a socket.

https://dicomweb-client.readthedocs.io/
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import asyncpg
import httpx
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from dicom.phantom import CT, Patient, Study, instances
from tests.app.imaging.images import FILES, J2K, MULTI_FRAME, RLE
from tests.dicomweb.suite import run
from tests.hub_process import HubProcess, hub_process

pytestmark = pytest.mark.xdist_group("dicomweb client")  # a hub for each database, not for each process too


async def _create_database(server: str, name: str) -> str:
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{server}/{name}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    database = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        database = asyncio.run(_create_database(server, "dicomweb_client"))
    with hub_process(tmp_path_factory.mktemp("hub"), database) as made:
        yield made


@pytest.fixture
def client(hub: HubProcess) -> Iterator[DICOMwebClient]:
    with requests.Session() as session:
        session.headers.update(hub.token("system-hospital-a"))
        yield DICOMwebClient(f"{hub.address}/dicomweb", session=session)


def test_a_client_library_stores_finds_and_retrieves(client: DICOMwebClient) -> None:
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    slices = [pydicom.dcmread(BytesIO(one)) for one in instances(Study(1, person, CT, slices=3, edge=32))]
    study, series = slices[0].StudyInstanceUID, slices[0].SeriesInstanceUID

    stored = client.store_instances(slices)

    assert len(stored.ReferencedSOPSequence) == 3
    (found,) = client.search_for_studies(search_filters={"PatientName": "山田*"}, fields=["StudyDescription"])
    assert found["0020000D"]["Value"] == [study]
    assert len(client.search_for_series(study)) == 1
    assert len(client.search_for_instances(study, series)) == 3
    assert len(client.search_for_instances(limit=2, offset=2, search_filters={"StudyInstanceUID": study})) == 1
    assert sorted(client.retrieve_study(study), key=_number) == slices
    assert sorted(client.retrieve_series(study, series), key=_number) == slices
    assert client.retrieve_instance(study, series, slices[0].SOPInstanceUID) == slices[0]
    metadata = client.retrieve_series_metadata(study, series)
    assert metadata[0]["00100010"]["Value"][0]["Ideographic"] == "山田^太郎"
    (bulk,) = client.retrieve_bulkdata(metadata[0]["7FE00010"]["BulkDataURI"])
    assert bulk == slices[0].PixelData


def test_a_client_library_gets_frames_and_pictures(client: DICOMwebClient) -> None:
    sent = [pydicom.dcmread(FILES / name) for name in (MULTI_FRAME, J2K)]
    client.store_instances(sent)
    place = [(one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID) for one in sent]

    first, last = client.retrieve_instance_frames(*place[0], [1, 30], media_types=("image/jpeg",))
    assert (first[:2], last[:2]) == (b"\xff\xd8", b"\xff\xd8")
    (plain,) = client.retrieve_instance_frames(*place[1], [1], media_types=("application/octet-stream",))
    assert plain == sent[1].pixel_array.tobytes()
    transcoded = client.retrieve_instance(*place[1], media_types=(("application/dicom", "1.2.840.10008.1.2.1"),))
    assert np.array_equal(transcoded.pixel_array, sent[1].pixel_array)
    picture = client.retrieve_instance_rendered(*place[0], media_types=("image/png",))
    assert Image.open(BytesIO(picture)).size == (sent[0].Columns, sent[0].Rows)


def test_a_client_library_s_other_methods_work_too(client: DICOMwebClient) -> None:
    person = Patient("0002", "Suzuki^Jirou=鈴木^次郎=すずき^じろう", "19700102", "M")
    slices = [pydicom.dcmread(BytesIO(one)) for one in instances(Study(3, person, CT, slices=3, edge=32))]
    study, series, instance = (getattr(slices[0], f"{name}InstanceUID") for name in ("Study", "Series", "SOP"))
    assert len(client.store_instances(slices, study_instance_uid=study).ReferencedSOPSequence) == 3

    fuzzy = client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "suzu jiro"})
    assert [one["0020000D"]["Value"] for one in fuzzy] == [[study]]
    assert len(client.search_for_series(search_filters={"StudyInstanceUID": study}, fields=["ProtocolName"])) == 1
    assert len(client.search_for_instances(study, get_remaining=True, limit=2)) == 3
    assert len(client.retrieve_study_metadata(study)) == 3
    assert client.retrieve_instance_metadata(study, series, instance)["0020000D"]["Value"] == [study]
    assert sorted(client.iter_study(study), key=_number) == slices
    assert sorted(client.iter_series(study, series), key=_number) == slices
    (bulk,) = client.iter_bulkdata(client.retrieve_study_metadata(study)[0]["7FE00010"]["BulkDataURI"])
    assert bulk == slices[0].PixelData
    (frame,) = client.iter_instance_frames(study, series, instance, [1])
    assert frame == slices[0].PixelData
    picture = client.retrieve_instance_frames_rendered(study, series, instance, [1], media_types=("image/png",))
    assert Image.open(BytesIO(picture)).size == (32, 32)
    lossless = (("application/dicom", "1.2.840.10008.1.2.4.80"),)
    (compressed, *_) = client.retrieve_series(study, series, media_types=lossless)
    assert compressed.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.80"
    client.delete_instance(study, series, instance)
    assert len(client.search_for_instances(study)) == 2
    client.delete_series(study, series)
    assert client.search_for_studies(search_filters={"StudyInstanceUID": study}) == []
    client.store_instances(slices)
    client.delete_study(study)
    assert client.search_for_series(study) == []


def test_every_check_of_the_black_box_suite_holds(hub: HubProcess) -> None:
    results = run(f"{hub.address}/dicomweb", hub.token("system-hospital-a"))

    assert [(one.name, one.seen) for one in results if not one.holds] == []
    assert len(results) > 85


def test_a_large_request_is_stored_in_little_memory(hub: HubProcess) -> None:
    person = Patient("0001", "Yamada^Tarou", "19600102", "M")
    slices = list(instances(Study(2, person, CT, slices=12, edge=256)))
    padding = 16_000_000
    token = hub.token("system-hospital-a")
    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    with httpx.Client(base_url=hub.address) as http:
        http.get("/dicomweb/studies", headers=token)
    before = _peak_bytes(hub)

    def body() -> Iterator[bytes]:
        for one in slices:
            # Private bulk data, after the pixels: what raw data of a modality looks like.
            yield b"\r\n--b0undary\r\nContent-Type: application/dicom\r\n\r\n" + one
            yield b"\xff\x7f\x10\x00LO\x06\x00RENKEI" + b"\xff\x7f\x01\x10OB\0\0" + padding.to_bytes(4, "little")
            for _ in range(padding // 1_000_000):
                yield bytes(1_000_000)
        yield b"\r\n--b0undary--\r\n"

    with httpx.Client(base_url=hub.address, timeout=120) as http:
        response = http.post("/dicomweb/studies", headers=token | kind, content=body())

    assert response.status_code == 200, response.text
    assert len(response.json()["00081199"]["Value"]) == 12
    # 200 MB came in.
    assert _peak_bytes(hub) - before < 60_000_000


def test_a_sender_that_goes_away_leaves_nothing(hub: HubProcess) -> None:
    token = hub.token("system-hospital-a")["Authorization"]
    host, _, port = hub.address.removeprefix("http://").partition(":")
    head = (
        f"POST /dicomweb/studies HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\nContent-Length: 100000\r\n"
        'Content-Type: multipart/related; type="application/dicom"; boundary=b\r\n\r\n--b\r\n\r\n'
    )

    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + (FILES / RLE).read_bytes())
        _wait_until(lambda: len(_incoming(hub)) == 1)

    _wait_until(lambda: _incoming(hub) == [])
    with httpx.Client(base_url=hub.address) as http:
        found = http.get("/dicomweb/studies?PatientID=4MR1", headers={"Authorization": token})
    assert found.json() == []


def _number(ds: pydicom.Dataset) -> int:
    return int(ds.InstanceNumber)


def _incoming(hub: HubProcess) -> list[Path]:
    folder = hub.home / "blobs/incoming"
    # It is made for the first body that comes.
    return list(folder.iterdir()) if folder.exists() else []


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _peak_bytes(hub: HubProcess) -> int:
    """Return the most memory that the server has had so far."""
    assert hub.process is not None
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
