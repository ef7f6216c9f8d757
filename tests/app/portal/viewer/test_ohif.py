"""OHIF's origin: its files, its policy, and what the hub lets it ask for whoever is signed in.

That it opens a study in a browser is tests/e2e/test_ohif_browser.py.
"""

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from app.portal.viewer.ohif import ohif_app
from app.settings import Settings
from tests.app.imaging.images import CT, a_file, stored, uids
from tests.portal import signed_in
from tests.world import World, running

pytestmark = pytest.mark.anyio

VIEWER = "https://viewer.example"
PAGE = "<html><script>window.PUBLIC_URL='/'</script><script defer src='/app.js'></script></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ohif"
    (made / "assets").mkdir(parents=True)
    (made / "index.html").write_text(PAGE)
    (made / "app.js").write_text("// the program")
    (tmp_path / "secret.txt").write_text("not to be served")
    return made


async def test_its_files_are_served_under_a_policy_that_names_the_hub(folder: Path) -> None:
    transport = httpx.ASGITransport(ohif_app(folder, "https://hub.example"))
    async with httpx.AsyncClient(transport=transport, base_url=VIEWER) as http:
        page, program = await http.get("/viewer?StudyInstanceUIDs=1.2.3"), await http.get("/app.js")
        configuration = await http.get("/app-config.js")
        missing = [
            await http.get(one) for one in ("/none.js", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/x.png")
        ]

    policy = page.headers["content-security-policy"]
    assert (page.status_code, page.text) == (200, PAGE)
    assert "connect-src 'self' data: blob: https://hub.example;" in policy
    # The hash of the one script that is written into the page: no other inline script runs.
    assert policy.count("'sha256-") == 1
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["cross-origin-embedder-policy"] == "require-corp"
    assert program.headers["x-content-type-options"] == "nosniff"
    assert '"https://hub.example/dicomweb"' in configuration.text
    assert [one.status_code for one in missing] == [404] * 4


def test_a_folder_without_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ohif_app(tmp_path, "https://hub.example")


@pytest.mark.parametrize(
    "address", ["viewer.example", "https://viewer.example/", "https://viewer.example/a", "*", "null"]
)
def test_its_address_is_an_origin(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings(ohif_address=address)


def test_its_origin_is_not_the_hubs() -> None:
    with pytest.raises(ValidationError):
        Settings(address=VIEWER, ohif_address=VIEWER)


async def _asked(world: World, cookie: str, address: str, origin: str, method: str = "GET") -> httpx.Response:
    headers = {"origin": origin, "cookie": f"renkei_session={cookie}"} if cookie else {"origin": origin}
    if method == "OPTIONS":
        headers |= {"access-control-request-method": "GET", "access-control-request-headers": "accept"}
    return await world.http.request(method, address, headers=headers)


async def test_it_alone_reads_images_with_a_persons_cookie(settings: Settings) -> None:
    async with running(settings.model_copy(update={"ohif_address": VIEWER})) as world:
        image = a_file(CT)
        await stored(world, await world.client("hospital-a"), image)
        browser = await signed_in(world, "hospital-a")
        cookie = browser.http.cookies["renkei_session"]
        study = uids(image)[0]
        address = f"/dicomweb/studies/{study}/metadata"

        mine, others = (
            await _asked(world, cookie, address, VIEWER),
            await _asked(world, cookie, address, "https://evil.example"),
        )
        record = await _asked(world, cookie, "/fhir/Patient", VIEWER)
        asked, unasked = [await _asked(world, "", address, one, "OPTIONS") for one in (VIEWER, "https://evil.example")]
        page = await browser.get(f"/images/{study}")

    assert mine.status_code == 200
    assert mine.headers["access-control-allow-origin"] == VIEWER
    assert mine.headers["access-control-allow-credentials"] == "true"
    # A browser hands no answer out to a page that came with cookies where every origin is allowed.
    for answer in (others, record, unasked):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert asked.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert f"{VIEWER}/viewer?StudyInstanceUIDs={study}" in page.text
