"""A real gateway, a real hub, and a line between them that goes down."""

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.exchange.ssmix2.gateway.journal import Journal
from tests.hub_process import RENKEI, HubProcess, hub_process
from tests.spec_data import SPEC_DATA
from tests.ssmix2 import a_file, with_flag

WAIT_SECONDS = 30.0

pytestmark = pytest.mark.xdist_group("SS-MIX2 gateway")  # one hub for all


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("hub")) as made:
        made.renkei("client", "add", "gateway-a", "--organisation", "hospital-a", "--scopes", "ssmix2")
        yield made


class Site:
    """A hospital with a store and a gateway."""

    def __init__(self, hub: HubProcess, folder: Path) -> None:
        self.hub, self.root, self.state = hub, folder / "store", folder / "state"
        self.headers: dict[str, str] = {}
        self.root.mkdir()

    def put(self, *files: tuple[str, bytes]) -> None:
        for path, body in files:
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)

    def command(self, *more: str) -> list[str]:
        key = self.hub.home / "keys" / "clients" / "gateway-a.json"
        told = ("--hub", self.hub.address, "--client-id", "gateway-a", "--key", str(key), "--state", str(self.state))
        return [RENKEI, "gateway", "ssmix2", str(self.root), *told, "--settle", "0.1", *more]

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*more), capture_output=True, text=True, env=self.hub.environment, timeout=120
        )

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command(*more), env=self.hub.environment, stderr=subprocess.DEVNULL)

    def total(self, query: str) -> int:
        if not self.headers:
            self.headers = self.hub.token("system-hospital-a")
        return int(httpx.get(f"{self.hub.address}/fhir/{query}", headers=self.headers).json()["total"])


@pytest.fixture
def site(hub: HubProcess, tmp_path: Path) -> Site:
    return Site(hub, tmp_path)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert "Traceback" not in done.stderr, done.stderr
    return {name: int(count) for name, count in re.findall(r"^(\w+)\t(\d+)$", done.stdout, re.MULTILINE)}


@pytest.mark.skipif(not (SPEC_DATA / "ssmix2").is_dir(), reason="the published examples are absent")
def test_a_published_store_is_pushed_and_its_faults_are_dead_letters_until_they_are_mended(site: Site):
    shutil.copytree(SPEC_DATA / "ssmix2", site.root, dirs_exist_ok=True, copy_function=shutil.copyfile)

    first = site.run("--once")
    second = site.run("--once")

    assert (first.returncode, counts(first)) == (1, {"done": 3, "unchanged": 0, "refused": 4})
    assert (second.returncode, counts(second)) == (0, {"done": 0, "unchanged": 0, "refused": 0})
    reasons = [json.loads(place.read_text()) for place in (site.state / "dead").glob("*.reason.json")]
    assert {one["findings"][0]["segment"] for one in reasons} == {"PID"}
    assert site.run("--status").stdout.count("dead\t") == 4
    # The hospital mends one of them.
    (wrong,) = [one["path"] for one in reasons if "OML-11" in one["path"]]
    place = site.root / wrong
    place.write_bytes(place.read_bytes().replace(b"0001000052", b"9999013"))
    third = site.run("--once", "--rerun")
    assert counts(third) == {"done": 1, "unchanged": 0, "refused": 3}
    assert len(list((site.state / "dead").glob("*.reason.json"))) == 3


def test_a_store_is_watched_and_what_changes_follows(site: Site):
    number = "0000000202"
    site.put(a_file("ADT-00", number=number))
    gateway = site.start()
    try:
        until(lambda: site.total(f"Patient?identifier={number}") == 1)

        old = a_file("OML-11", number=number, order="000000000000202")
        site.put(old)
        until(lambda: site.total("DiagnosticReport?identifier=000000000000202") == 1)
        (site.root / old[0]).rename(site.root / with_flag(old, 0)[0])
        until(lambda: site.total("DiagnosticReport?identifier=000000000000202") == 0)
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(timeout=20) == 0


def test_the_transaction_store_tells_whose_files_changed(site: Site, tmp_path: Path):
    number = "0000000303"
    told = tmp_path / "transactions" / "2020"
    told.mkdir(parents=True)
    (told / "TR_20200401000000000_00001.DAT").write_bytes(b"what was there before")
    gateway = site.start("--transactions", str(told.parent))
    try:
        until(lambda: "transactions" in _notes(site))
        site.put(a_file("ADT-00", number=number))
        with (told / "TR_20200401000000000_00001.DAT").open("ab") as file:
            file.write(b"INS," + a_file("ADT-00", number=number)[0].encode() + b"\r\n")

        until(lambda: site.total(f"Patient?identifier={number}") == 1)
    finally:
        gateway.terminate()
        assert gateway.wait(timeout=20) == 0


def _notes(site: Site) -> dict[str, str]:
    if not (site.state / "journal.sqlite3").exists():
        return {}
    journal = Journal(site.state / "journal.sqlite3")
    try:
        return journal.notes()
    finally:
        journal.close()


def test_while_the_line_is_down_the_store_is_the_spool_and_the_gateway_catches_up(site: Site, hub: HubProcess):
    number = "0000000404"
    site.put(a_file("ADT-00", number=number))
    hub.stop()
    gateway = site.start()
    try:
        until(lambda: "line_down" in _notes(site))
        site.put(*(a_file("OML-11", number=number, order=f"00000000000040{n}") for n in range(5)))
        assert "line\tdown" in site.run("--status").stdout

        hub.start()

        until(lambda: site.total(f"DiagnosticReport?patient.identifier={number}") == 5)
    finally:
        gateway.terminate()
        assert gateway.wait(timeout=20) == 0
    assert "line\tup" in site.run("--status").stdout


def test_two_gateways_do_not_share_a_folder_and_a_wrong_key_is_told(site: Site, hub: HubProcess):
    gateway = site.start()
    try:
        until(lambda: (site.state / "lock").exists() and "walk_begun" in _notes(site))
        second = site.run("--once")
        assert (second.returncode, "Another gateway" in second.stderr) == (1, True)
    finally:
        gateway.terminate()
        gateway.wait(timeout=20)
    site.put(a_file("ADT-00", number="0000000505"))
    wrong = [one.replace("gateway-a.json", "system-hospital-a.json") for one in site.command("--once")]

    refused = subprocess.run(wrong, capture_output=True, text=True, env=hub.environment, timeout=60)

    assert (refused.returncode, "The hub answers 4" in refused.stderr) == (1, True), refused.stderr
