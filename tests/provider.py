"""An OpenID Connect provider, run for real: npm's `oidc-provider`, installed once a test session."""

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.ports import free_ports

HERE = Path(__file__).parent / "e2e" / "provider"
CLIENT, SECRET = "renkei", "a secret of tests"


def installed(folder: Path) -> Path:
    """Return a folder with the provider and what it needs, by the versions of its lock."""
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True
    )
    return folder


@dataclass
class RunningProvider:
    """A provider that is running."""

    issuer: str
    process: subprocess.Popen[str]

    def change_keys(self) -> None:
        """Let it sign with another key from now on, and forget the old one."""
        self.process.send_signal(signal.SIGUSR2)
        assert self.process.stdout is not None
        assert "changed\n" in self.process.stdout


@contextlib.contextmanager
def running_provider(folder: Path, hub: str, door: str | None = None) -> Iterator[RunningProvider]:
    """Run the provider for the hub at the address `hub`; `door` is where it is told of ended sessions, if elsewhere."""
    port = free_ports(1)[0]
    command = ["node", folder / "provider.mjs", str(port), hub, door or hub]
    with (
        (folder / "messages").open("a") as messages,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=messages, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", (folder / "messages").read_text()
            yield RunningProvider(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(30)


async def sign_in_there(browser: httpx.AsyncClient, address: str, name: str, back: str) -> str:
    """Sign in at the provider as `name` and return the address that it sends the browser back to."""
    for _ in range(12):
        answer = await browser.get(address)
        if answer.status_code == 200:
            answer = await browser.post(address, data={"login": name})
        assert answer.status_code in (302, 303), answer.text
        address = urljoin(address, answer.headers["location"])
        if address.startswith(back):
            return address
    raise AssertionError(address)


async def sign_out_there(browser: httpx.AsyncClient, address: str) -> httpx.Response:
    """Confirm at the provider that the person signs out."""
    page = await browser.get(address)
    action = re.search(r'action="([^"]+)"', page.text)
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.text)
    assert action is not None, page.text
    assert xsrf is not None
    return await browser.post(action[1], data={"xsrf": xsrf[1], "logout": "yes"})
