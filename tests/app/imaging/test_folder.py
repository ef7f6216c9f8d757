"""The gateway of a folder and the hub in one process."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from app.exchange.ssmix2.gateway import patience
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.hub_line import Answered, LineDown, NotLetIn
from app.exchange.ssmix2.gateway.journal import Journal
from app.imaging.folder.line import SCOPE, StowLine
from app.imaging.folder.run import FolderGateway, Wanted
from app.imaging.folder.walk import Image, folders
from tests.app.imaging.images import CT, MR, TRUNCATED, a_file
from tests.media import DISC
from tests.oauth import JWKS, KEY, a_client
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio


class Site:
    """A modality's folder beside the hub, in this process."""

    def __init__(self, world: World, folder: Path) -> None:
        self.root, self.sent = folder / "images", folder / "sent"
        self.root.mkdir()
        self.journal, self.dead = Journal(folder / "journal"), DeadLetters(folder / "dead")
        key = folder / "key.json"
        key.write_text(json.dumps(KEY.as_dict(private=True)))
        self.line = StowLine(ADDRESS, "gateway-a", key)
        self.line._http = world.http

    def put(self, **files: bytes) -> None:
        for name, body in files.items():
            place = self.root / name.replace("__", "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)

    async def run(self, *, settle: float = 0, move: bool = False) -> tuple[int, int, int]:
        moved = self.sent if move else None
        wanted = Wanted(self.root, moved, once=True, settle_seconds=settle)
        gateway = FolderGateway(wanted, self.journal, self.dead, self.line)
        await gateway.run()
        return gateway.progress.done, gateway.progress.unchanged, gateway.progress.refused


async def a_site(world: World, folder: Path, scopes: str = SCOPE) -> Site:
    registered = {"kind": "system", "authentication": "private_key_jwt", "redirects": ""}
    await a_client(world, "gateway-a", **registered, scopes=scopes, jwks=JWKS)
    return Site(world, folder)


async def images(world: World, site: str = "hospital-a") -> int:
    found = await world.http.get("/dicomweb/instances", headers=await world.client(site))
    return len(found.json())


async def test_what_is_in_a_folder_is_sent_once_and_what_is_refused_is_a_dead_letter(
    world: World, tmp_path: Path
) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), sub__B=a_file(MR), sub__deep__CUT=a_file(TRUNCATED), NOTE=b"text" * 40)
    site.put(DICOMDIR=(DISC / "DICOMDIR").read_bytes())
    site.put(**{"B.tmp": a_file(CT, SOPInstanceUID="1.2.3"), ".hidden": a_file(CT, SOPInstanceUID="1.2.4")})

    assert await site.run() == (2, 1, 2)
    assert await site.run() == (0, 0, 0)

    assert await images(world) == 2
    reasons = {path: found[0]["text"] for path, found in site.dead.reasons()}
    assert reasons["NOTE"] == "no DICOM file"
    assert reasons["sub/deep/CUT"].endswith("(C000)")
    # What is mended goes when it is asked for again, and the letter with it.
    site.put(sub__deep__CUT=a_file(CT, SOPInstanceUID="1.2.5"))
    assert await site.run() == (1, 0, 0)
    assert [path for path, _ in site.dead.reasons()] == ["NOTE"]


async def test_what_was_sent_is_moved_where_that_is_wanted(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    site.put(sub__A=a_file(CT), BAD=a_file(TRUNCATED))

    assert await site.run(move=True) == (1, 0, 1)

    assert (site.sent / "sub" / "A").read_bytes() == a_file(CT)
    assert [one.name for one in site.root.rglob("*") if one.is_file()] == ["BAD"]
    # The same image again, under the same name, is stored once.
    site.put(sub__A=a_file(CT))
    assert (await site.run(move=True))[2] == 0
    assert await images(world) == 1


async def test_what_was_sent_and_lies_there_still_or_again_is_moved_without_being_sent(
    world: World, tmp_path: Path
) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), B=a_file(MR), DICOMDIR=(DISC / "DICOMDIR").read_bytes())
    # As a gateway leaves it that ends after the journal was written.
    await site.run()
    site.put(A=a_file(CT))

    assert await site.run(move=True) == (0, 2, 0)
    assert await site.run(move=True) == (0, 0, 0)

    assert [one.name for one in site.root.iterdir()] == ["DICOMDIR"]
    assert sorted(one.name for one in site.sent.iterdir()) == ["A", "B"]


async def test_of_one_name_each_image_that_was_moved_is_kept(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    made = [a_file(CT, SOPInstanceUID=f"1.2.3.{number}") for number in (1, 2, 3)]

    for one in (*made, made[2], made[0]):
        site.put(IM0001=one)
        assert (await site.run(move=True))[2] == 0

    kept = {one.name: one.read_bytes() for one in site.sent.iterdir()}
    assert kept == {"IM0001": made[0], "IM0001~2": made[1], "IM0001~3": made[2]}


@pytest.mark.parametrize("move", [False, True])
async def test_a_folder_may_have_a_name_of_another_character_set(world: World, tmp_path: Path, move: bool) -> None:
    site = await a_site(world, tmp_path)
    folder = site.root / os.fsdecode("患者".encode("cp932"))
    folder.mkdir()
    (folder / "A").write_bytes(a_file(CT))
    (folder / "CUT").write_bytes(a_file(TRUNCATED))

    assert await site.run(move=move) == (1, 0, 1)
    assert await site.run(move=move) == (0, 0, 0)

    assert await images(world) == 1
    assert [path for path, _ in site.dead.reasons()] == ["患者/CUT"]
    assert (site.sent / "患者" / "A").exists() is move


async def test_a_file_that_somebody_is_writing_in_such_a_folder_is_looked_at_again(
    world: World, tmp_path: Path
) -> None:
    site = await a_site(world, tmp_path)
    folder = site.root / os.fsdecode("患者".encode("cp932"))
    folder.mkdir()
    (folder / "A").write_bytes(a_file(CT))

    assert await site.run(settle=1) == (1, 0, 0)


async def test_what_cannot_be_moved_stays_and_the_rest_is_sent(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), B=a_file(MR))
    site.sent.write_bytes(b"no folder")

    assert await site.run(move=True) == (2, 0, 0)

    assert await images(world) == 2
    assert sorted(one.name for one in site.root.iterdir()) == ["A", "B"]
    site.sent.unlink()
    assert await site.run(move=True) == (0, 2, 0)
    assert sorted(one.name for one in site.sent.iterdir()) == ["A", "B"]


async def test_an_image_that_waits_for_review_is_no_dead_letter(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), B=a_file(CT, SOPInstanceUID="1.2.3", PatientID="OTHER"))

    assert await site.run() == (2, 0, 0)

    assert await images(world) == 1
    assert site.dead.reasons() == []


async def test_a_file_that_somebody_is_writing_waits_until_it_is_whole(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT)[:5_000])
    wanted = Wanted(site.root, settle_seconds=3_600)
    gateway = FolderGateway(wanted, site.journal, site.dead, site.line)

    assert list(gateway._reader.batches(folders(site.root))) == []
    assert gateway._reader.unfinished == {""}

    site.put(A=a_file(CT))
    assert await site.run() == (1, 0, 0)
    assert site.dead.reasons() == []


async def test_a_line_that_is_down_is_told_and_catches_up(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), B=a_file(MR))
    monkeypatch.setattr(patience, "SHORTEST_WAIT_SECONDS", 0.01)
    site.line._http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))

    with pytest.raises(LineDown):
        await site.run()
    assert "503" in site.journal.notes()["line_down"]
    assert site.journal.counts() == (0, 0)

    await site.line._http.aclose()
    site.line._http = world.http
    assert await site.run() == (2, 0, 0)
    assert site.journal.notes()["line_down"] == ""


async def test_an_answer_that_tells_of_no_file_is_asked_for_one_by_one(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path)
    twice = a_file(CT, SOPInstanceUID="1.2.3")
    other = a_file(CT, SOPInstanceUID="1.2.3", PatientName="Other")
    site.put(A=twice, B=other, C=a_file(MR))

    assert await site.run() == (2, 0, 1)

    ((path, found),) = site.dead.reasons()
    assert path == "B"
    assert "SOP Instance UID is in use" in found[0]["text"]


async def test_a_gateway_that_is_not_let_in_says_so(world: World, tmp_path: Path) -> None:
    site = await a_site(world, tmp_path, scopes="ITI-67")
    site.put(A=a_file(CT))

    with pytest.raises(NotLetIn):
        await site.run()
    assert site.journal.counts() == (0, 0)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_file_that_is_written_anew_while_it_is_sent_is_sent_and_moved_as_it_is_then(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT, PatientComments="x" * 500))
    late = {"A": a_file(CT, SOPInstanceUID="1.2.5")}
    send = StowLine.send

    async def send_slowly(line: StowLine, some: Sequence[Image]) -> list[Answered]:
        if when == "before" and late:
            site.put(A=late.pop("A"))
        answers = await send(line, some)
        if late:
            site.put(A=late.pop("A"))
        return answers

    monkeypatch.setattr(StowLine, "send", send_slowly)

    assert (await site.run(move=True))[::2] == ({"before": 1, "after": 2}[when], 0)

    assert await images(world) == {"before": 1, "after": 2}[when]
    assert (site.sent / "A").read_bytes() == a_file(CT, SOPInstanceUID="1.2.5")
    assert not (site.root / "A").exists()


async def test_a_file_that_is_taken_away_while_it_is_sent_ends_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await a_site(world, tmp_path)
    site.put(A=a_file(CT), BAD=a_file(TRUNCATED))
    send = StowLine.send

    async def send_slowly(line: StowLine, some: Sequence[Image]) -> list[Answered]:
        answers = await send(line, some)
        for one in some:
            one.place.unlink()
        return answers

    monkeypatch.setattr(StowLine, "send", send_slowly)

    assert await site.run(move=True) == (1, 0, 1)

    assert await images(world) == 1
    assert [path for path, _ in site.dead.reasons()] == ["BAD"]
