"""Studies given out as a disc: a ZIP that other readers of DICOMDIRs take, holding what its caller may see."""

import io
import subprocess
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.fileset import FileSet

from tests.app.imaging.images import CHR_H31, CT, J2K, MR, MULTI_FRAME, REPORT, a_file, stored, uids
from tests.media import files, on_disc, people, read
from tests.portal import recorded, signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

SITE = "hospital-a"
ZIP = {"accept": "application/zip"}


def opened(data: bytes, folder: Path) -> Path:
    """Write a ZIP's files below a folder, and return it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


@contextmanager
def file_set(folder: Path) -> Iterator[FileSet]:
    """Read a DICOMDIR as pydicom does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = FileSet(folder / "DICOMDIR")
    try:
        yield found
    finally:
        found._stage["t"].cleanup()


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)


async def a_study(world: World, *names: str) -> str:
    """Store files as one study of one patient, and return its UID."""
    images = [
        a_file(name, StudyInstanceUID="1.2.3", SeriesInstanceUID=f"1.2.3.{n}", PatientID="9", PatientName="A^B")
        for n, name in enumerate(names, start=1)
    ]
    await stored(world, await world.client(SITE), *images)
    return "1.2.3"


async def test_a_study_leaves_as_a_disc_that_other_readers_take(world: World, tmp_path: Path) -> None:
    study = await a_study(world, CT, J2K, MR, REPORT, MULTI_FRAME, CHR_H31)
    system = await world.client(SITE)

    answer = await world.http.get(f"/dicomweb/studies/{study}", headers=system | ZIP)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="images.zip"'
    folder = opened(answer.content, tmp_path / "disc")
    with file_set(folder) as listed:
        assert len(listed) == 6
        assert listed.find_values("StudyInstanceUID") == ["1.2.3"]
        for one in listed:
            ds = one.load()
            assert (ds.SOPInstanceUID, ds.SeriesInstanceUID) == (one.SOPInstanceUID, one.SeriesInstanceUID)
            assert one.ReferencedTransferSyntaxUIDInFile == ds.file_meta.TransferSyntaxUID
    names = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert names >= {"DICOMDIR", "INDEX.HTM", "README.TXT", "DICOM/ST000001/SE000001/IM000001"}
    dumped = run("dcmdump", "DICOMDIR", cwd=folder)
    assert dumped.stderr == ""
    assert dumped.stdout.count('"Directory Record" IMAGE') == 5
    # dcmtk checks a DICOMDIR as a whole before it adds to it.
    extra = folder / "EXTRA"
    extra.write_bytes(a_file(CT, SOPInstanceUID="1.2.3.4", SeriesInstanceUID="1.2.3.5"))
    run("dcmmkdir", "+D", "DICOMDIR", "--append", "EXTRA", "-Nxc", cwd=folder)
    with file_set(folder) as listed:
        assert len(listed) == 7


async def test_a_disc_in_explicit_little_endian_is_readable_by_anybody(world: World, tmp_path: Path) -> None:
    study = await a_study(world, J2K, MR)
    accept = {"accept": "application/zip; transfer-syntax=1.2.840.10008.1.2.1"}

    answer = await world.http.get(
        f"/dicomweb/studies/{study}?thumbnails=true", headers=await world.client(SITE) | accept
    )
    refused = await world.http.get(
        f"/dicomweb/studies/{study}",
        headers=await world.client(SITE) | {"accept": "application/zip; transfer-syntax=1.2.840.10008.1.2.4.50"},
    )

    folder = opened(answer.content, tmp_path / "disc")
    with file_set(folder) as listed:
        assert {one.load().file_meta.TransferSyntaxUID for one in listed} == {"1.2.840.10008.1.2.1"}
    assert (folder / "IHE_PDI/ST000001/SE000001.JPG").read_bytes()[:3] == b"\xff\xd8\xff"
    assert "IHE_PDI/ST000001/SE000001.JPG" in (folder / "INDEX.HTM").read_text()
    assert refused.status_code == 406


async def test_what_cannot_be_rewritten_is_on_the_disc_as_it_is_stored(world: World, tmp_path: Path) -> None:
    whole = a_file(J2K)
    at = whole.rfind(b"\xff\x4f\xff\x51")
    broken = whole[: at + 4] + bytes(40) + whole[at + 44 :]
    await stored(world, await world.client(SITE), broken)
    accept = {"accept": "application/zip; transfer-syntax=1.2.840.10008.1.2.1"}

    answer = await world.http.get(f"/dicomweb/studies/{uids(broken)[0]}", headers=await world.client(SITE) | accept)

    folder = opened(answer.content, tmp_path / "disc")
    assert (folder / "DICOM/ST000001/SE000001/IM000001").read_bytes() == broken
    with file_set(folder) as listed:
        assert [str(one.ReferencedTransferSyntaxUIDInFile) for one in listed] == ["1.2.840.10008.1.2.4.91"]


async def test_a_page_of_a_disc_runs_nothing_that_a_name_says(world: World, tmp_path: Path) -> None:
    image = a_file(CT, PatientName="<script>alert(1)</script>^山", SpecificCharacterSet="ISO_IR 192")
    system = await world.client(SITE)
    await stored(world, system, image)

    answer = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}", headers=system | ZIP)

    page = (opened(answer.content, tmp_path / "disc") / "INDEX.HTM").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 山" in page


async def test_only_what_the_caller_may_see_is_on_the_disc_and_who_took_it_is_on_record(
    world: World, tmp_path: Path
) -> None:
    study = await a_study(world, CT, MR)
    other = a_file(CT, PatientID="10", StudyInstanceUID="1.9", SeriesInstanceUID="1.9.1", SOPInstanceUID="1.9.2")
    await stored(world, await world.client(SITE), other)
    system = await world.client(SITE)
    patient = (await world.http.get("/fhir/Patient?identifier=9", headers=system)).json()["entry"][0]["resource"]["id"]
    doctor = await signed_in(world, "clinic-c", "doctor")

    hidden = await doctor.get(f"/images.zip?study={study}")
    never = await doctor.get("/images.zip?study=1.2.99")
    assert (hidden.status_code, hidden.text.replace(study, "")) == (404, never.text.replace("1.2.99", ""))
    await world.post(system, a_consent(patient, "clinic-c"))
    given = await doctor.get(f"/images.zip?study={study}&study=1.9")

    assert given.status_code == 200
    with file_set(opened(given.content, tmp_path / "disc")) as listed:
        assert {one.load().StudyInstanceUID for one in listed} == {study}
    told = [one for one in await recorded(world) if one.interaction == "media-export" and one.outcome == "0"]
    assert [(one.patient, one.user) for one in told] == [(f"Patient/{patient}", "doctor-clinic-c")]
    assert (await doctor.get("/images.zip?study=../../x")).status_code == 400
    clerk = await signed_in(world, SITE, "clerk")
    assert (await clerk.get(f"/images.zip?study={study}")).status_code == 404


async def test_what_is_given_out_comes_in_again_as_it_was(world: World, tmp_path: Path) -> None:
    system = await world.client(SITE)
    sent = list(on_disc("77654033", "98892003/MR1").values())
    await stored(world, system, *sent)
    found = (await world.http.get("/dicomweb/studies", headers=system)).json()
    uids_ = [one["0020000D"]["Value"][0] for one in found]
    doctor = await signed_in(world, SITE, "doctor")
    given = await doctor.get("/images.zip?" + "&".join(f"study={uid}" for uid in uids_))
    desk = await signed_in(world, "hospital-b", "clerk")

    folder = opened(given.content, tmp_path / "disc")
    whole = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    number = await read(world, desk, whole)

    after = await files(world, number)
    kept = {path: one for path, one in after.items() if one.digest}
    assert len(kept) == len(sent)
    assert {whole[path] for path in kept} == set(sent)
    assert {one.listed for one in kept.values()} == {1}
    assert {one.state for one in after.values()} == {"quarantined", "directory", "not-dicom"}
    assert sorted(one.patient_id for one in await people(world, number)) == ["77654033", "98890234"]
