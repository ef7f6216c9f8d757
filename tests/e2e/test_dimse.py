"""dcmtk's programs at the DIMSE door: what a PACS, a modality and a workstation send and ask."""

import asyncio
import socket
import ssl
import threading
import time
import warnings
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import httpx
import pydicom
import pytest

from app.access.certificate import thumbprint
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.dimse.test_store import CT_CLASS
from tests.app.imaging.images import CHR_H31, CHR_H32, CT, FILES, J2K, MR, RLE_2_FRAMES, a_file, uids
from tests.certificates import Authority
from tests.dimse import a_node, associated, associating, dcmtk, until
from tests.hub_process import hub_process
from tests.portal import recorded as recorded_so_far
from tests.ports import free_ports
from tests.world import World, running

LITTLE = [CT, MR, CHR_H31, CHR_H32, "charset_files/chrJapMulti.dcm"]
COMPRESSED = {"-xw": J2K, "-xr": RLE_2_FRAMES}
"""By the option of storescu that proposes its syntax."""


def same(left: Path, right: Path) -> bool:
    """Return whether two files are one image of one patient; dcmtk writes padding and group lengths its own way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, other = pydicom.dcmread(left), pydicom.dcmread(right)
        named = all(one[name].value == other[name].value for name in ("SOPInstanceUID", "PatientName", "StudyDate"))
        return named and bool((one.pixel_array == other.pixel_array).all())


@pytest.mark.anyio
async def test_dcmtk_stores_finds_moves_and_gets(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "got"
    folder.mkdir()
    (port,) = free_ports(1)
    await a_node(world)
    await a_node(world, name="ws", title="WS", host="127.0.0.1", port=port)
    async with associating(world.hub) as door:
        me = ("-aet", "HOSPITAL-A", "-aec", "RENKEI", "127.0.0.1", str(door.port))
        assert (await dcmtk("echoscu", *me))[0] == 0
        assert await dcmtk("storescu", *me, *(FILES / one for one in LITTLE)) == (0, "")
        for option, name in COMPRESSED.items():
            assert await dcmtk("storescu", option, *me, FILES / name) == (0, "")
        level = ("-k", "QueryRetrieveLevel=STUDY")
        _, listed = await dcmtk("findscu", "-S", *me, *level, "-k", "StudyInstanceUID", "-k", "PatientID=1CT*")
        # It asks servers to end; what it asks for is no service of the hub's, which goes on.
        await dcmtk("termscu", *me)

        taking = await asyncio.create_subprocess_exec("storescp", "+xa", "-od", str(folder), "-aet", "WS", str(port))
        try:
            await until(lambda: _listens(port))
            for name in (CT, J2K):
                study = ("-k", f"StudyInstanceUID={uids(a_file(name))[0]}")
                assert await dcmtk("movescu", "-S", "-aem", "WS", *me, *level, *study) == (0, "")
            study = ("-k", f"StudyInstanceUID={uids(a_file(MR))[0]}")
            assert await dcmtk("getscu", "-S", *me, "-od", folder, *level, *study) == (0, "")
        finally:
            taking.terminate()
            await taking.wait()
        assert (await dcmtk("echoscu", *me))[0] == 0

    assert "1CT1" in listed
    got = {one.name.partition(".")[2]: one for one in folder.iterdir()}
    assert set(got) == {uids(a_file(name))[2] for name in (CT, J2K, MR)}
    assert all(same(got[uids(a_file(name))[2]], FILES / name) for name in (CT, J2K, MR))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _has_refused(world: World, times: int) -> bool:
    return sum(one.interaction == "node-authentication" for one in await recorded_so_far(world)) >= times


@pytest.mark.anyio
async def test_by_tls_a_node_is_known_by_its_certificate(settings: Settings, tmp_path: Path) -> None:
    authority, foreign = Authority(tmp_path), tmp_path / "other"
    foreign.mkdir()
    certificate, key = authority.issue("hub")
    shown, secret = authority.issue("pacs")
    mark = thumbprint(ssl.PEM_cert_to_DER_cert(shown.read_text()))
    chosen = {"dimse_certificate": certificate, "dimse_key": key, "dimse_authority": authority.path}

    def by_tls(title: str, certificate: Path, key: Path) -> tuple[str | Path, ...]:
        return ("+tls", key, certificate, "+cf", authority.path, "-aet", title, "-aec", "RENKEI", "127.0.0.1")

    async with running(settings.model_copy(update=chosen)) as world, associating(world.hub) as door:
        await a_node(world, network="", certificate=mark)
        await a_node(world, name="lab", title="LAB", network="", subject="CN=lab")
        at, file = str(door.port), FILES / CT
        known = await dcmtk("storescu", *by_tls("HOSPITAL-A", shown, secret), at, file)
        named = await dcmtk("echoscu", *by_tls("LAB", *authority.issue("lab")), at)
        refused = [
            await dcmtk("echoscu", *by_tls("LAB", shown, secret), at),
            await dcmtk("echoscu", *by_tls("HOSPITAL-A", *authority.issue("stranger")), at),
            await dcmtk("echoscu", *by_tls("HOSPITAL-A", *Authority(foreign).issue("pacs")), at),
            await dcmtk("echoscu", "-to", "5", "-aet", "HOSPITAL-A", "-aec", "RENKEI", "127.0.0.1", at),
        ]
        # A handshake that fails is told by a thread of its own, which the end of the hub would cut short.
        await until(partial(_has_refused, world, 4))
        await until(lambda: not door._open)

    assert known == (0, "")
    assert named[0] == 0
    assert all(code != 0 for code, _ in refused)
    told = [one for one in await recorded(settings) if one.interaction == "node-authentication"]
    reasons = [(one.outcome_desc or "").partition(":")[0].partition(" (")[0] for one in told]
    assert sorted(reasons) == [
        "No DICOM node 'HOSPITAL-A' is known to be there",
        "No DICOM node 'LAB' is known to be there",
        *["The TLS handshake failed"] * 2,
    ]


def test_what_is_acknowledged_survives_a_kill_and_its_study_is_described_by_the_next_process(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "series"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:03}.dcm").write_bytes(a_file(CT, SOPInstanceUID=f"1.2.3.{number + 1}"))
    first = [a_file(CT, SOPInstanceUID=f"1.2.4.{number}") for number in range(5)]
    with hub_process(tmp_path / "hub", RENKEI_DIMSE_PORT=str(port)) as hub:
        hub.together(
            (
                *("dicom-node", "add", "pacs", "--client", "system-hospital-a", "--title", "PACS"),
                *("--network", "127.0.0.1"),
            )
        )
        caller = hub.token("system-hospital-a")
        with associated(SimpleNamespace(port=port), CT_CLASS, title="PACS") as association:
            statuses = [association.send_c_store(pydicom.dcmread(BytesIO(one))).Status for one in first]
            told_before = _told(hub.address, caller)
            # All of it is acknowledged, and the association has not ended: its study is described no further.
            hub.kill()
            association.abort()
        hub.start()
        found = _instances(hub.address, caller)
        ends = time.monotonic() + 30
        while (told_after := _told(hub.address, caller)) != 5 and time.monotonic() < ends:
            time.sleep(0.1)

        me = ("-v", "-aet", "PACS", "-aec", "RENKEI", "127.0.0.1", str(port))
        killing = threading.Timer(0.2, hub.kill)
        killing.start()
        _, printed = asyncio.run(dcmtk("storescu", *me, "+sd", folder))
        killing.join()
        hub.start()
        kept = _instances(hub.address, caller)
        again = asyncio.run(dcmtk("storescu", *me, "+sd", folder))
        after = _instances(hub.address, caller)

    assert statuses == [0] * 5
    assert (told_before, len(found), told_after) == (1, 5, 5)
    acknowledged = 5 + printed.count("Received Store Response (Success)")
    assert len(kept) >= acknowledged
    assert (again[0], again[1].count("Received Store Response (Success)")) == (0, 20)
    assert len(after) == 25


def _told(address: str, headers: dict[str, str]) -> int:
    (entry,) = httpx.get(f"{address}/fhir/ImagingStudy", headers=headers).json()["entry"]
    return int(entry["resource"]["numberOfInstances"])


def _instances(address: str, headers: dict[str, str]) -> list[str]:
    found = httpx.get(f"{address}/dicomweb/instances?limit=1000", headers=headers).json()
    return [one["00080018"]["Value"][0] for one in found]
