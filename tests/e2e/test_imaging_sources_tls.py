"""A real PACS that speaks TLS alone, and only with those whose certificate its authority has signed."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.imaging.sources.check import check
from app.imaging.sources.index import index
from app.settings import Settings
from tests.app.imaging.images import CT, J2K, a_file, address, parts_of, stored, uids
from tests.app.imaging.sources.region import a_source
from tests.certificates import Authority
from tests.dimse import until
from tests.orthanc import AE_TITLE, Orthanc, an_orthanc
from tests.ports import free_ports
from tests.served import Served, served
from tests.world import World, running

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.xdist_group("orthanc"),
    pytest.mark.uncounted,
    pytest.mark.parametrize("settings", ["sqlite"], indirect=True),
]

FILES = [a_file(CT), a_file(J2K)]


@dataclass
class Certificates:
    """Files of certificates.

    Attributes:
        authority: Of those whom the PACS lets in, and of its own certificate.
        another: An authority that nobody there knows.
        ours: The hub's certificate, and its key.
        others: One of the other authority, and its key.
    """

    authority: Authority
    another: Authority
    ours: tuple[Path, Path]
    others: tuple[Path, Path]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority, another = (Authority(tmp_path_factory.mktemp(name)) for name in ("authority", "another"))
    return Certificates(authority, another, authority.issue("renkei"), another.issue("renkei"))


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Orthanc]:
    with an_orthanc(tmp_path_factory.mktemp("orthanc"), certificates.authority) as made:
        yield made


def _files(shown: tuple[Path, Path] | None, trusts: Authority | None) -> dict[str, str]:
    """Return what is registered of certificates."""
    certificate, key = shown or ("", "")
    return {
        "certificate": str(certificate),
        "private_key": str(key),
        "authority": str(trusts.path) if trusts else "",
    }


def _by_dimse(orthanc: Orthanc) -> dict[str, Any]:
    place = {"ae_title": AE_TITLE, "host": "127.0.0.1", "port": orthanc.dicom}
    return {"wado": "", "qido": "", "get_by": "c-get", "seconds": 30, **place}


@asynccontextmanager
async def a_server(authority: Authority) -> AsyncIterator[Served]:
    """Run OpenSSL's own server, which says why it takes no connection."""
    (port,) = free_ports(1)
    certificate, key = authority.issue("openssl")
    process = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet"),
        *("-cert", certificate, "-key", key, "-CAfile", authority.path, "-Verify", "2", "-verify_return_error"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: _listens(port))
        yield Served(f"https://127.0.0.1:{port}/dicomweb")
    finally:
        process.terminate()
        await process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


async def _said(world: World, name: str) -> set[str]:
    """Return how the ways of asking a source fail, without its name and without details."""
    ways = await check(world.hub, await world.hub.sources.named(name))
    return {failure.removeprefix(f"The imaging source {name} ").partition(":")[0] for _, failure in ways}


@pytest.mark.parametrize("way", ["c-get", "c-move"])
async def test_orthanc_is_indexed_and_asked_by_tls(
    world: World, orthanc: Orthanc, certificates: Certificates, way: str
) -> None:
    async with orthanc.reachable():
        await orthanc.take(*FILES)
        given = _by_dimse(orthanc) | _files(certificates.ours, certificates.authority)
        if way == "c-move":
            given |= {"get_by": way, "listen": f"127.0.0.1:{orthanc.back}"}
        await a_source(world, orthanc, **given)
        caller = await world.client("hospital-a")

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        got = [await world.http.get(address(one), headers=caller) for one in FILES]

    assert (seen.studies, seen.instances, seen.refused) == (2, 2, 0)
    assert [one.status_code for one in got] == [200, 200]
    assert [uids(parts_of(one)[0][1]) for one in got] == [uids(one) for one in FILES]


async def test_a_second_hub_is_asked_by_tls(
    world: World, certificates: Certificates, tmp_path: Path, sqlite_template: Path
) -> None:
    token, home = tmp_path / "token", tmp_path / "second"
    home.mkdir()
    shutil.copy(sqlite_template, home / "renkei.sqlite3")
    async with running(Settings(home=home)) as second, served(second.app, certificates.authority) as there:
        headers = await second.client("hospital-b")
        await stored(second, headers, *FILES)
        token.write_text(headers["Authorization"].removeprefix("Bearer "))
        given = _files(certificates.ours, certificates.authority)
        await a_source(world, there, credentials=f"bearer:{token}", **given)
        caller = await world.client("hospital-a")

        seen = await index(world.hub, await world.hub.sources.named("pacs-a"))
        got = [await world.http.get(address(one), headers=caller) for one in FILES]
        # Whoever ends waits for the connections that are open.
        await world.hub.held.close()

    assert (seen.studies, seen.instances, seen.refused) == (2, 2, 0)
    assert [parts_of(one)[0][1] for one in got] == FILES


async def test_what_is_wrong_with_a_certificate_is_said(
    world: World, orthanc: Orthanc, certificates: Certificates
) -> None:
    known, unknown, ours, others = (
        *(certificates.authority, certificates.another),
        *(certificates.ours, certificates.others),
    )
    cases: dict[str, tuple[tuple[Path, Path] | None, Authority | None]] = {
        "another-authority": (ours, unknown),
        "authorities-of-the-system": (ours, None),
        "no-certificate": (None, known),
        "another-certificate": (others, known),
    }
    said: dict[str, list[set[str]]] = {}
    async with orthanc.reachable(), a_server(known) as there:
        for name, files in cases.items():
            await a_source(world, there, name=f"{name}-web", **_files(*files))
            await a_source(world, there, name=f"{name}-dimse", **_by_dimse(orthanc) | _files(*files))
            said[name] = [await _said(world, f"{name}-{way}") for way in ("web", "dimse")]

    untrusted, untaken = {"shows a certificate that is not trusted"}, {"does not take the hub's certificate"}
    assert said == {
        "another-authority": [untrusted, untrusted],
        "authorities-of-the-system": [untrusted, untrusted],
        "no-certificate": [untaken, untaken],
        "another-certificate": [untaken, untaken],
    }
