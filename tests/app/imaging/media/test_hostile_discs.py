"""Discs that are odd, broken or meant to harm: each file is told of, nothing is run, nothing lies outside."""

import errno
import io
import os
import random
import stat
import struct
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.imaging.media.contents import contents_of
from app.imaging.media.entries import MOST_FILES, Unreadable, entries_of
from app.imaging.media.quarantine import found_disc
from tests.app.imaging.images import CT, TRUNCATED, a_file
from tests.app.imaging.media.test_reading import a_disc, read_some
from tests.media import DISC, a_zip, files, on_disc, people, read, until_read, upload
from tests.portal import SAME_SITE, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio

SITE = "hospital-b"


def set_(world: World, **values: int) -> None:
    world.hub.settings = world.hub.settings.model_copy(update=values)


def test_links_are_not_followed_and_folders_end(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    deep = disc.joinpath(*["d"] * 20)
    deep.mkdir(parents=True)
    (deep / "far").write_bytes(a_file(CT))
    (tmp_path / "secret").write_bytes(a_file(CT))
    (disc / "file").symlink_to(tmp_path / "secret")
    (disc / "folder").symlink_to(tmp_path)
    os.mkfifo(disc / "pipe")

    found = {one.path: one.problem for one in entries_of(disc)}

    assert found == {
        "/".join(["d"] * 17): "folders are nested deeper than 16",
        "file": "a link, which is not followed",
        "folder": "a link, which is not followed",
        "pipe": "no file",
    }


async def test_a_folder_that_cannot_be_read_keeps_nothing_else_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disc = tmp_path / "disc"
    for name in ("A", "SCRATCHED", "Z"):
        (disc / name).mkdir(parents=True)
        (disc / name / "IM1").write_bytes(a_file(CT, SOPInstanceUID=f"1.2.{ord(name[0])}"))
    scandir = os.scandir

    def scanned(path: Path) -> Any:
        if Path(path).name == "SCRATCHED":
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scanned)
    number = await a_disc(world, disc)
    assert await read_some(world, number, 100)

    told = {path: (one.state, one.reason) for path, one in (await files(world, number)).items()}
    assert told == {
        "A/IM1": ("quarantined", ""),
        "SCRATCHED": ("broken", "a folder that cannot be read"),
        "Z/IM1": ("quarantined", ""),
    }
    with pytest.raises(Unreadable, match="a folder that cannot be read"):
        list(entries_of(disc / "SCRATCHED"))


def test_a_link_that_takes_the_place_of_a_file_is_not_opened(tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    disc.mkdir()
    (disc / "file").write_bytes(b"x")
    (entry,) = entries_of(disc)
    (disc / "file").unlink()
    (disc / "file").symlink_to("/etc/passwd")

    with pytest.raises(OSError, match="symbolic"):
        entry.open()


def test_names_of_a_zip_that_lead_out_are_told_and_not_opened(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("../up", "/etc/passwd", "a/../../up", "C:\\boot.ini", "a\\..\\up", "fine/A"):
            archive.writestr(name, b"x")
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "disc.zip").write_bytes(out.getvalue())

    found = {one.path: one.problem for one in entries_of(tmp_path / "disc.zip")}

    outside = "the name leads out of the archive"
    assert found.pop("link") == "a link, which is not followed"
    assert found.pop("fine/A") == ""
    assert len(found) == 5
    assert set(found.values()) == {outside}


def test_too_many_files_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(MOST_FILES + 1):
            archive.writestr(f"{number}", b"")
    with zipfile.ZipFile(tmp_path / "long.zip", "w") as archive:
        for number in range(400):
            archive.writestr(f"{number}" + "x" * 60_000, b"")

    for name in ("many.zip", "long.zip"):
        with pytest.raises(Unreadable, match="more than 50000 files"):
            contents_of(tmp_path / name)


def test_a_directory_is_as_long_as_the_end_of_the_zip_in_64_bits_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = a_zip({f"{number:04d}": b"" for number in range(500)})
    at = whole.rfind(b"PK\5\6")
    size, start = struct.unpack_from("<LL", whole, at + 12)
    # The short end says that there is one file; what reads ZIPs believes the long one.
    wide = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 500, 500, size, start)
    ends = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, 0, 0)
    place = tmp_path / "wide.zip"
    place.write_bytes(whole[:at] + wide + ends)
    assert len(list(entries_of(place))) == 500

    monkeypatch.setattr("app.imaging.media.entries.MOST_DIRECTORY_BYTES", 10_000)

    with pytest.raises(Unreadable, match="more than 50000 files"):
        contents_of(place)


def test_tables_of_contents_are_read_up_to_a_limit_of_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (DISC / "DICOMDIR").read_bytes()
    place = tmp_path / "tables.zip"
    place.write_bytes(a_zip({f"{number}/DICOMDIR": table for number in range(3)}))

    monkeypatch.setattr("app.imaging.media.contents.MAX_DIRECTORY_BYTES", 2 * len(table))
    found = contents_of(place)
    monkeypatch.setattr("app.imaging.media.contents.MOST_FILES", 40)
    fewer = contents_of(place)

    assert (len(found.listed), found.problems) == (62, {"2/DICOMDIR": "the tables of contents are too large"})
    assert (len(fewer.listed), fewer.has_directory) == (40, True)


def test_what_is_no_zip_is_told_so(tmp_path: Path) -> None:
    chance = random.Random(7)
    outcomes = Counter[str]()
    whole = a_zip({"A": b"a" * 500, "B": b"b" * 500})
    for turn in range(300):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        place = tmp_path / "broken.zip"
        place.write_bytes(bytes(broken[: chance.randrange(len(broken)) if turn % 3 == 0 else len(broken)]))
        try:
            contents_of(place)
        except Unreadable:
            outcomes["told"] += 1
        else:
            outcomes["read"] += 1

    assert set(outcomes) == {"told", "read"}


async def test_a_disc_of_everything_is_told_file_by_file(world: World) -> None:
    set_(world, instance_bytes=2_000_000)
    bomb = a_file(CT) + bytes(3_000_000)
    desk = await signed_in(world, SITE, "clerk")
    inner = a_zip({"IN": a_file(CT)})
    number = await read(
        world,
        desk,
        {
            "GOOD": a_file(CT),
            "TWICE": a_file(CT),
            "CUT": a_file(TRUNCATED),
            "BOMB": bomb,
            "ZEROS": bytes(50_000_000),
            "PAGE.HTM": b"<html><script>alert(1)</script>",
            "P.PDF": b"%PDF-1.7",
            "P.BMP": b"BM" + bytes(200),
            "RUN.EXE": b"MZ" + bytes(200),
            "AUTORUN.INF": b"[autorun]\nopen=run.exe",
            "IN.ZIP": inner,
            "EMPTY": b"",
            "CONTROL\x1b[31m": b"x",
            "NUMBERLESS": a_file(CT, PatientID="", SOPInstanceUID="1.2.3"),
        },
    )

    found = await files(world, number)

    told = {path: (one.state, one.reason) for path, one in found.items()}
    assert told.pop("GOOD") == told.pop("TWICE") == ("quarantined", "")
    assert told.pop("NUMBERLESS") == ("quarantined", "")
    assert told.pop("CUT")[0] == "broken"
    assert told == {
        "BOMB": ("broken", "larger than a file, or all of a disc, may be"),
        "ZEROS": ("not-dicom", "no DICOM file"),
        "PAGE.HTM": ("not-dicom", "a page or XML"),
        "P.PDF": ("not-dicom", "a PDF"),
        "P.BMP": ("not-dicom", "a BMP picture"),
        "RUN.EXE": ("not-dicom", "a program, which is not run"),
        "AUTORUN.INF": ("not-dicom", "tells a computer to run something, which is not done"),
        "IN.ZIP": ("not-dicom", "an archive, which is not opened"),
        "EMPTY": ("not-dicom", "an empty file"),
        "CONTROL\ufffd[31m": ("not-dicom", "no DICOM file"),
    }
    assert [one.patient_id for one in await people(world, number)] == ["1CT1", ""]
    page = (await desk.get(f"/media/{number}")).text
    assert "<script>alert" not in page
    assert "AUTORUN.INF" in page


async def test_why_a_file_cannot_be_read_is_told_in_the_language_of_the_page(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    deep = "/".join("ABCDEFGHIJKLMNOPQ") + "/X"
    number = await read(world, desk, {"META": bytes(128) + b"DICM" + bytes(60), deep: b"x"})

    japanese = (await desk.get(f"/media/{number}?lang=ja")).text
    english = (await desk.get(f"/media/{number}?lang=en")).text

    assert "<td>DICOMとして読み取れません（the File Meta Information names no Transfer Syntax）</td>" in japanese
    assert "<td>フォルダが16階層より深くにあります</td>" in japanese
    assert "<td>the File Meta Information names no Transfer Syntax</td>" in english
    assert "<td>folders are nested deeper than 16</td>" in english


async def test_a_zip_that_is_cut_short_is_told_in_the_language_of_the_page(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    number = await upload(desk, ("DISC.ZIP", a_zip({"A": a_file(CT)})[:-40]))
    disc = await until_read(world, number)

    japanese = (await desk.get(f"/media/{number}?lang=ja")).text
    english = (await desk.get(f"/media/{number}?lang=en")).text

    assert disc.state == "failed"
    assert "メディアを読み取れませんでした: フォルダでもZIPでもありません" in japanese
    assert "The disc could not be read: this is no folder and no ZIP" in english


@pytest.mark.parametrize("name", ["bigEnd", "implicit", "nooffset", "nopatient", "reordered"])
async def test_a_broken_table_of_contents_keeps_no_image_out(world: World, name: str) -> None:
    if world.hub.settings.database.startswith("postgresql"):
        # What is told apart here is told apart before any database.
        name = "reordered"
    desk = await signed_in(world, SITE, "clerk")
    disc = {"dicomdir;1": (DISC / f"DICOMDIR-{name}").read_bytes()}
    disc |= {f"{path.lower()}.": data for path, data in on_disc("77654033").items()}

    number = await read(world, desk, disc)

    found = await files(world, number)
    images = [one for one in found.values() if one.state == "quarantined"]
    assert len(images) == 7
    assert found["dicomdir;1"].state == "directory"
    assert found["dicomdir;1"].reason == ("an item is longer than its sequence" if name == "nooffset" else "")
    assert {one.listed for one in images} == ({0} if name == "nooffset" else {1})
    assert sum(one.state == "missing" for one in found.values()) == (0 if name == "nooffset" else 24)


async def test_an_upload_without_the_token_of_the_session_is_refused_before_its_files(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    parts = [("files", ("A", a_file(CT), "application/dicom")), ("csrf", (None, (await desk.token()).encode()))]

    for sent in (parts, [("csrf", (None, b"0" * 64)), parts[0]], parts[:1]):
        answer = await desk.http.post("/media", files=sent, headers=SAME_SITE)
        assert answer.status_code == 403
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await desk.http.post("/media", files=parts[::-1], headers=elsewhere)).status_code == 403
    assert (await desk.http.post("/media", content=b"x", headers=SAME_SITE)).status_code == 400
    doctor_elsewhere = await signed_in(world, SITE, "pharmacist")
    assert (await doctor_elsewhere.http.post("/media", files=parts[::-1], headers=SAME_SITE)).status_code == 403
    assert (await desk.post("/media", {})).status_code == 400


async def test_files_and_folders_are_taken_as_well_as_a_zip(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")

    number = await upload(desk, ("CD/DICOM/A", a_file(CT)), ("CD/山田.JPG", b"\xff\xd8\xff"), title="山田病院")
    disc = await until_read(world, number)

    assert (disc.title, disc.state, disc.upload) == ("山田病院", "read", "")
    assert {path: one.state for path, one in (await files(world, number)).items()} == {
        "CD/DICOM/A": "quarantined",
        "CD/山田.JPG": "not-dicom",
    }
    broken = await upload(desk, ("disc.zip", b"PK\x03\x04" + bytes(100)))
    assert (await until_read(world, broken)).problem == "this is no folder and no ZIP"
    assert (await found_disc(world.hub.database.reader, 1)) is None


async def test_a_disc_larger_than_all_may_be_is_refused(world: World) -> None:
    set_(world, stow_bytes=10_000)
    desk = await signed_in(world, SITE, "clerk")
    token = (await desk.token()).encode()

    answer = await desk.http.post(
        "/media", files=[("csrf", (None, token)), ("files", ("A", a_file(CT), "x/y"))], headers=SAME_SITE
    )

    assert answer.status_code == 413
