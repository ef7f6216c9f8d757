"""A source that is not what it was, and data that would lead the hub elsewhere."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.imaging.sources.address import may_be
from app.imaging.sources.check import check
from app.imaging.sources.source import ImagingSource, NotASource, checked
from tests.app.imaging.images import CT, MR, a_file, address, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import Pacs, Write, a_pacs, answer, instance_answer
from tests.world import World

pytestmark = pytest.mark.anyio

IMAGE = a_file(CT)


@asynccontextmanager
async def _referred(world: World, **fields: object) -> AsyncIterator[tuple[Pacs, dict[str, str]]]:
    async with a_pacs(IMAGE) as pacs:
        await a_source(world, pacs, **fields)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(IMAGE))
        yield pacs, caller


async def _another(_: str, write: Write) -> None:
    await write(instance_answer(a_file(MR)))


async def _another_series(_: str, write: Write) -> None:
    await write(instance_answer(a_file(CT, SeriesInstanceUID="1.2.3.99")))


async def _two(_: str, write: Write) -> None:
    await write(instance_answer(IMAGE, a_file(MR)))


async def _nothing(_: str, write: Write) -> None:
    await write(instance_answer())


async def _rubbish(_: str, write: Write) -> None:
    await write(instance_answer(b"\0" * 2000))


async def _cut(_: str, write: Write) -> None:
    await write(instance_answer(IMAGE)[:-5000])


async def _page(_: str, write: Write) -> None:
    await write(answer(200, b"<script>alert(1)</script>", "text/html"))


async def _moved(_: str, write: Write) -> None:
    await write(answer(302, location="http://169.254.169.254/latest/meta-data"))


async def _refused(_: str, write: Write) -> None:
    await write(answer(401))


async def _broken(_: str, write: Write) -> None:
    await write(answer(500, b"PACS of patient Yamada"))


async def _bomb(_: str, write: Write) -> None:
    body = gzip.compress(b"\0" * 10_000_000)
    await write(answer(200, body, "application/dicom", content_encoding="gzip"))


async def _no_http(_: str, write: Write) -> None:
    await write(b"\0\1\2\3 hello\r\n\r\n")


async def _hangs_up(_: str, write: Write) -> None:
    await write(b"")


async def _endless(_: str, write: Write) -> None:
    await write(b"HTTP/1.1 200 -\r\ncontent-type: application/dicom\r\n\r\n")
    while True:
        await write(b"\0" * 65536)


@pytest.mark.parametrize(
    ("misbehave", "status"),
    [
        (_another, 502),
        (_another_series, 502),
        (_two, 502),
        (_nothing, 502),
        (_rubbish, 502),
        (_cut, 502),
        (_page, 502),
        (_moved, 502),
        (_refused, 502),
        (_broken, 502),
        (_bomb, 502),
        (_no_http, 502),
        (_hangs_up, 502),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_what_is_not_the_instance_is_shown_to_nobody(world: World, misbehave: object, status: int) -> None:
    async with _referred(world) as (pacs, caller):
        pacs.misbehave = misbehave  # type: ignore[assignment]

        answers = [
            await world.http.get(f"{address(IMAGE)}{end}", headers=caller)
            for end in ("", "/frames/1", "/rendered", "/metadata")
        ]
        pacs.misbehave = None
        afterwards = await world.http.get(address(IMAGE), headers=caller)

    # Of these the header comes first, whole and of the right instance; what follows is not waited for.
    told = 1 if misbehave in (_two, _cut) else 0
    assert [one.status_code for one in answers] == [status] * (4 - told) + [200] * told
    for one in answers[: 4 - told]:
        words = one.json()["issue"][0]["diagnostics"]
        assert "pacs-a" in words
        assert "127.0.0.1" not in words
        assert "Yamada" not in words
    assert afterwards.status_code == 200
    assert all(one.startswith("/dicom-web/studies/") for one in pacs.asked)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_an_endless_answer_ends_at_the_limit(world: World) -> None:
    async with _referred(world) as (pacs, caller):
        pacs.misbehave = _endless
        world.hub.settings.__dict__["instance_bytes"] = 1_000_000

        answered = await world.http.get(address(IMAGE), headers=caller)

    assert answered.status_code == 502
    assert "more than 1000000 bytes" in answered.json()["issue"][0]["diagnostics"]
    assert list((world.hub.settings.home / "image-cache").rglob("incoming-*")) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_source_that_says_nothing_is_waited_for_no_longer_than_was_said(world: World) -> None:
    async def silent(_: str, __: Write) -> None:
        await asyncio.sleep(30)

    async with _referred(world, seconds=1) as (pacs, caller):
        pacs.misbehave = silent

        answered = await world.http.get(address(IMAGE), headers=caller)

    assert answered.status_code == 504


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_source_that_is_slow_by_dimse_holds_nobody_else(world: World) -> None:
    ends, waiting = asyncio.Event(), asyncio.Semaphore(0)

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.release()
        await ends.wait()
        writer.close()

    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    place = {"wado": "", "qido": "", "ae_title": "SLOW", "host": "127.0.0.1", "port": port, "get_by": "c-get"}
    async with a_pacs() as pacs:
        await a_source(world, pacs, at_once=48, **place)
        registered = await world.hub.sources.named("pacs-a")
        asking = [asyncio.create_task(check(world.hub, registered)) for _ in range(48)]
        for _ in asking:
            await waiting.acquire()
        # More wait than the threads that everybody shares.
        done = await asyncio.to_thread(lambda: [one.done() for one in asking])
        ends.set()
        said = await asyncio.gather(*asking)
    server.close()

    assert done == [False] * 48
    assert all(failure for ways in said for _, failure in ways)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_source_that_fails_again_and_again_is_not_asked_for_a_while(world: World) -> None:
    async with _referred(world) as (pacs, caller):
        pacs.misbehave = _broken

        answers = [await world.http.get(address(IMAGE), headers=caller) for _ in range(7)]
        asked = len(pacs.asked)
        pacs.misbehave = None
        world.hub.held._lines[next(iter(world.hub.held._lines))]._open_until = 0.0
        afterwards = await world.http.get(address(IMAGE), headers=caller)

    assert [one.status_code for one in answers] == [502] * 5 + [503] * 2
    assert asked == 5
    assert afterwards.status_code == 200


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_name_that_comes_to_lead_elsewhere_leads_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to = ["127.0.0.1"]

    async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (one, 80)) for one in leads_to]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr("app.imaging.sources.line.LOOKED_AT_SECONDS", 0.0)
    async with _referred(world) as (pacs, caller):
        line = f"http://pacs.hospital-a.example:{pacs.port}/dicom-web"
        await a_source(world, pacs, name="by-name", wado=line, locations="1.2.3.4")
        other = a_file(MR)
        pacs.take(other)
        await stored(world, caller, a_manifest(other, uid="1.2.3.1", location="1.2.3.4"))

        before = await world.http.get(address(other), headers=caller)
        world.hub.held._held.clear()
        after = []
        for one in (["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["169.254.169.254"], ["::ffff:10.0.0.1"]):
            leads_to[:] = one
            after.append(await world.http.get(address(other), headers=caller))

    assert before.status_code == 200
    assert pacs.headers["host"].startswith("pacs.hospital-a.example")
    assert [one.status_code for one in after] == [502] * 4
    assert {one.json()["issue"][0]["diagnostics"] for one in after} == {
        "The imaging source by-name leads outside the networks that it is registered with"
    }


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_what_is_connected_to_is_the_address_that_was_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    async def rebound(host: object, *_: object, **__: object) -> list[tuple[object, ...]]:
        # The name leads here the first time, and to another machine whenever it is asked again.
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if asked == ["pacs.example"] else "127.0.0.9", 80))]

    async with _referred(world) as (pacs, caller):
        other = a_file(MR)
        pacs.take(other)
        place = f"http://pacs.example:{pacs.port}/dicom-web"
        await a_source(world, pacs, name="by-name", wado=place, locations="1.2.3.4", networks="127.0.0.0/8")
        await stored(world, caller, a_manifest(other, uid="1.2.3.1", location="1.2.3.4"))
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
        got = await world.http.get(address(other), headers=caller)

    assert got.status_code == 200
    assert asked == ["pacs.example"]


@pytest.mark.parametrize(
    ("at", "networks", "may"),
    [
        ("10.1.2.3", "10.1.2.0/24", True),
        ("10.1.3.3", "10.1.2.0/24", False),
        ("127.0.0.1", "", False),
        ("10.1.2.3", "", False),
        ("8.8.8.8", "", True),
        ("8.8.8.8", "10.0.0.0/8", False),
        ("169.254.169.254", "169.254.0.0/16", False),
        ("fe80::1", "fe80::/16", False),
        ("::ffff:127.0.0.1", "", False),
        ("::ffff:10.1.2.3", "10.1.2.0/24", True),
        ("0.0.0.1", "", False),
        ("224.0.0.1", "224.0.0.0/8", False),
        ("100.100.100.200", "", False),
        # Translated or unpacked on the way: what counts is the address of version 4 in it.
        ("64:ff9b::7f00:1", "", False),
        ("64:ff9b::a01:203", "", False),
        ("64:ff9b::a01:203", "10.1.2.0/24", True),
        ("64:ff9b::a9fe:a9fe", "169.254.0.0/16", False),
        ("64:ff9b::808:808", "", True),
        ("64:ff9b:1::808:808", "", False),
        ("2002:7f00:1::", "", False),
        ("2002:a01:203::1", "", False),
        ("2002:a01:203::1", "10.1.2.0/24", True),
        ("2002:a9fe:a9fe::", "2002::/16", False),
        ("2001:0:53aa:64c:0:fbff:80ff:fffe", "", False),
        ("2001:0:53aa:64c:0:fbff:80ff:fffe", "2001::/32", False),
        ("::7f00:1", "", False),
        ("fec0::1", "", False),
        ("::1", "", False),
        ("::1", "::1", True),
    ],
)
def test_a_source_is_where_its_networks_say(at: str, networks: str, may: bool) -> None:
    assert may_be(at, networks) is may


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"wado": "ftp://pacs/"}, "no http(s) address"),
        ({"wado": "https://user:secret@pacs/dicom"}, "no http(s) address"),
        ({"wado": "https://pacs/dicom?x=1"}, "no http(s) address"),
        ({"wado": "https://pacs:99999/dicom"}, "no port"),
        ({"wado": ""}, "Without an address of WADO-RS"),
        ({"networks": "0.0.0.0/0"}, "too wide"),
        ({"networks": "somewhere"}, "no address and no network"),
        ({"cache": "for ever"}, "none, thumbnails, or days:N"),
        ({"cache": "days:0"}, "none, thumbnails, or days:N"),
        ({"locations": "here"}, "no UID of a location"),
        ({"certificate": "a.pem"}, "comes with its key"),
        ({"credentials": "secret"}, "basic:FILE or bearer:FILE"),
        ({"get_by": "c-get"}, "an AE title, a host and a port"),
        ({"get_by": "c-move", "ae_title": "A", "host": "h", "port": 104}, "--listen"),
        ({"at_once": 0}, "At once"),
        ({"name": ""}, "a name"),
    ],
)
def test_a_source_is_registered_in_its_form(fields: dict[str, object], words: str) -> None:
    given = {"key": 1, "name": "a", "client": "c", "wado": "https://pacs.example/dicom-web", **fields}

    with pytest.raises(NotASource) as refused:
        checked(ImagingSource(**given))  # type: ignore[arg-type]

    assert words in str(refused.value)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_metadata_of_other_instances_and_of_no_form_are_not_taken(world: World) -> None:
    study, series, instance = uids(IMAGE)
    bodies = [
        b'[{"00080018":{"vr":"UI","Value":["%s"]},"0020000D":{"vr":"UI","Value":["1.2"]}}]' % instance.encode(),
        b'{"a":1}',
        b"[" * 100_000,
        b'[{"00080018":{"Value":["%s"]},"0020000D":{"Value":["%s"]},"0020000E":{"Value":["%s"]},"x":1}]'
        % (instance.encode(), study.encode(), series.encode()),
    ]
    async with _referred(world) as (pacs, caller):
        got = []
        for body in bodies:

            async def metadata(path: str, write: Write, body: bytes = body) -> None:
                await write(answer(200, body, "application/dicom+json") if "metadata" in path else answer(404))

            pacs.misbehave = metadata
            got.append((await world.http.get(f"{address(IMAGE)}/metadata", headers=caller)).status_code)

    assert got == [502] * 4
