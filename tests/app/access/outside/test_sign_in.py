"""People sign in by an outside OpenID Connect provider, which is run for real."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvicorn
from sqlalchemy import update

from app.access.outside.ask import outside_of
from app.access.outside.tables import outside_identity
from app.access.tables import account
from app.settings import Settings
from tests.portal import Browser, a_browser, an_account, recorded
from tests.provider import CLIENT, SECRET, RunningProvider, installed, running_provider, sign_in_there, sign_out_there
from tests.world import ADDRESS, World, running

pytestmark = pytest.mark.anyio

NAME = "doctor-hospital-a"


@pytest.fixture(scope="module")
def door() -> Iterator[socket.socket]:
    """A port at which the hub can be reached: that of its address may be another program's."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, door: socket.socket) -> Iterator[RunningProvider]:
    folder = installed(tmp_path_factory.mktemp("provider"))
    with running_provider(folder, ADDRESS, f"http://127.0.0.1:{door.getsockname()[1]}") as made:
        yield made


@dataclass
class Region:
    """A hub whose people sign in at a provider, and a browser at each of the two."""

    world: World
    here: Browser
    there: httpx.AsyncClient

    async def way_there(self, wanted: str = "") -> str:
        query = f"?next={wanted}" if wanted else ""
        answer = await self.here.get(f"/sign-in/outside{query}")
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def back(self, name: str, wanted: str = "") -> httpx.Response:
        address = await sign_in_there(self.there, await self.way_there(wanted), name, ADDRESS)
        return await self.here.get(address.removeprefix(ADDRESS))

    async def refusal(self) -> str | None:
        told = [one for one in await recorded(self.world) if one.interaction == "sign-in"][-1]
        return told.outcome_desc if told.outcome == "8" else None


@pytest.fixture
async def region(
    settings: Settings, provider: RunningProvider, request: pytest.FixtureRequest
) -> AsyncIterator[Region]:
    chosen = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "oidc_networks": "127.0.0.0/8",
        **getattr(request, "param", {}),
    }
    async with running(settings.model_copy(update=chosen)) as world, httpx.AsyncClient() as there:
        yield Region(world, a_browser(world), there)


async def test_a_person_signs_in_and_comes_to_the_page_that_was_wanted(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")

    answer = await region.back(NAME, wanted="/patients?q=a")
    page = await region.here.get("/patients")

    told = [one for one in await recorded(region.world) if one.interaction == "sign-in"]
    assert (answer.status_code, page.status_code, await region.refusal()) == (200, 200, None)
    assert 'content="0;url=/patients?q=a"' in answer.text
    cookies = [one for one in answer.headers.get_list("set-cookie") if one.startswith("renkei_session=")]
    assert len(cookies) == 1
    assert "samesite=strict" in cookies[0].lower()
    assert "httponly" in cookies[0].lower()
    assert [(one.outcome, one.user, one.purpose, one.path) for one in told] == [
        ("0", NAME, "TREAT", "/sign-in/outside"),
    ]


async def test_what_is_asked_of_the_provider(region: Region) -> None:
    address = await region.way_there()

    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
    assert asked["redirect_uri"] == f"{ADDRESS}/sign-in/outside/back"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    again = parse_qs(urlsplit(await region.way_there()).query)
    assert all(again[name][0] != asked[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("wanted", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example"])
async def test_nobody_is_led_to_another_site(region: Region, wanted: str) -> None:
    await an_account(region.world, "hospital-a", "doctor")

    answer = await region.back(NAME, wanted=wanted)

    assert 'content="0;url=/"' in answer.text
    assert "elsewhere" not in answer.text


async def test_who_has_no_account_is_refused_and_gets_none(region: Region) -> None:
    answer = await region.back("nobody-here")

    reader = region.world.hub.database.reader
    assert (answer.status_code, await region.refusal()) == (401, "No account has this name")
    assert "renkei_session" not in answer.headers.get("set-cookie", "")
    assert await reader.fetch(account.select(), {}) == []


async def test_a_disabled_account_is_refused(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    async with region.world.hub.database.write() as connection:
        await connection.execute(update(account).values(disabled=1), {})

    answer = await region.back(NAME)

    assert (answer.status_code, await region.refusal()) == (401, "The account is disabled")


async def test_one_factor_at_the_provider_is_not_enough(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor", name="doctor-one")

    answer = await region.back("doctor-one")

    assert (answer.status_code, await region.refusal()) == (401, "The provider shows no second factor")


@pytest.mark.parametrize("region", [{"oidc_second_factor": "any"}], indirect=True)
async def test_unless_the_setting_leaves_it_to_the_provider(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor", name="doctor-one")

    assert (await region.back("doctor-one")).status_code == 200


async def test_a_name_that_the_provider_gives_to_another_person_opens_nothing(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    await region.back(NAME)
    reader = region.world.hub.database.reader
    before = await reader.fetch(outside_identity.select(), {})
    async with region.world.hub.database.write() as connection:
        await connection.execute(update(outside_identity).values(subject="sub-of-who-left"), {})

    answer = await region.back(NAME)

    assert [(one[1], one[2]) for one in before] == [(region.world.hub.settings.oidc_issuer, f"sub-{NAME}")]
    assert (answer.status_code, await region.refusal()) == (401, "Another person of the provider has this name now")


async def test_e5_a_code_and_a_state_are_good_once_and_for_this_browser(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    address = await sign_in_there(region.there, await region.way_there(), NAME, ADDRESS)
    path, kept = address.removeprefix(ADDRESS), dict(region.here.http.cookies)
    other = a_browser(region.world)

    elsewhere = await other.get(path)
    altered = await region.here.get(path.replace("state=", "state=x"))
    region.here.http.cookies.update(kept)
    first = await region.here.get(path)
    region.here.http.cookies.update(kept)
    second = await region.here.get(path)

    assert [one.status_code for one in (elsewhere, altered, first, second)] == [401, 401, 200, 401]
    assert (await region.refusal() or "").startswith("The provider gives no token: invalid_grant")


async def test_an_answer_of_another_issuer_is_refused(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    address = await sign_in_there(region.there, await region.way_there(), NAME, ADDRESS)
    path = address.removeprefix(ADDRESS)
    mixed = path.replace("iss=http%3A%2F%2F", "iss=https%3A%2F%2Fevil.")

    answer = await region.here.get(mixed)

    assert mixed != path
    assert (answer.status_code, await region.refusal()) == (401, "The answer is another provider's")


async def test_a_person_who_refuses_there_is_not_signed_in_here(region: Region) -> None:
    state = parse_qs(urlsplit(await region.way_there()).query)["state"][0]
    issuer = region.world.hub.settings.oidc_issuer

    answer = await region.here.get(f"/sign-in/outside/back?error=access_denied&state={state}&iss={issuer}")

    assert (answer.status_code, await region.refusal()) == (401, "The provider refuses: access_denied")


async def test_a_key_that_was_changed_is_fetched(region: Region, provider: RunningProvider) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    before = await region.back(NAME)
    outside = outside_of(region.world.hub)
    first = {one.kid for one in (await outside.keys("")).keys}
    provider.change_keys()
    # Half a minute later.
    assert outside._keys is not None
    outside._keys = (outside._keys[0] - 31, outside._keys[1])

    after = await region.back(NAME)

    second = {one.kid for one in (await outside.keys("")).keys}
    assert (before.status_code, after.status_code) == (200, 200)
    assert first.isdisjoint(second)


async def test_the_first_password_is_void_once_the_person_came_by_the_provider(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    async with region.world.hub.database.write() as connection:
        await connection.execute(update(account).values(must_change=1), {})

    await region.back(NAME)
    page = await region.here.get("/patients")

    row = (await region.world.hub.database.reader.fetch(account.select(), {}))[0]
    assert page.status_code == 200
    assert (row[account.c.keys().index("password")], row[account.c.keys().index("must_change")]) == ("", 0)


async def test_the_provider_stands_in_the_place_of_passwords(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    page = await region.here.get("/?next=/audit")

    answer = await region.here.sign_in(NAME)

    assert 'href="/sign-in/outside?next=/audit"' in page.text
    assert 'type="password"' not in page.text
    assert answer.status_code == 403


@pytest.mark.parametrize("region", [{"oidc_beside": True}], indirect=True)
async def test_or_beside_them(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    page = await region.here.get("/")

    answer = await region.here.sign_in(NAME)

    assert 'href="/sign-in/outside"' in page.text
    assert 'type="password"' in page.text
    assert answer.status_code == 303


async def test_signing_out_here_leads_on_to_the_provider(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    await region.back(NAME)

    answer = await region.here.post("/sign-out", {})
    page = await region.here.get("/patients")

    issuer = region.world.hub.settings.oidc_issuer
    assert answer.status_code == 200
    assert f'content="0;url={issuer}/session/end?client_id=renkei&amp;post_logout_redirect_uri=' in answer.text
    assert page.status_code == 303


@contextlib.asynccontextmanager
async def served(world: World, door: socket.socket) -> AsyncIterator[None]:
    """Let the hub be reached by others, as by the provider."""
    chosen = uvicorn.Config(world.app, lifespan="off", log_level="critical")
    server = uvicorn.Server(chosen)
    serving = asyncio.create_task(server.serve(sockets=[door.dup()]))
    for _ in range(500):
        if server.started:
            break
        await asyncio.sleep(0.01)
    assert server.started
    yield
    server.should_exit = True
    await serving


async def test_signing_out_there_ends_the_session_here(region: Region, door: socket.socket) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    await region.back(NAME)
    before = await region.here.get("/patients")

    async with served(region.world, door):
        out = await sign_out_there(
            region.there, f"{region.world.hub.settings.oidc_issuer}/session/end?client_id=renkei"
        )
    after = await region.here.get("/patients")

    told = [one for one in await recorded(region.world) if one.path == "/sign-in/outside/logout"]
    assert (out.status_code, before.status_code, after.status_code) == (303, 200, 303)
    assert [one.description for one in told] == ["The provider has ended 1 sessions"]


async def test_nobody_else_ends_sessions(region: Region) -> None:
    await an_account(region.world, "hospital-a", "doctor")
    await region.back(NAME)

    forged = await region.here.http.post("/sign-in/outside/logout", data={"logout_token": "a.b.c"})

    assert (forged.status_code, forged.json()["error"]) == (400, "invalid_request")
    assert (await region.here.get("/patients")).status_code == 200


async def test_without_a_provider_its_addresses_are_not_there(world: World) -> None:
    answers = [
        (await world.http.get("/sign-in/outside")).status_code,
        (await world.http.get("/sign-in/outside/back?code=a&state=b")).status_code,
        (await world.http.post("/sign-in/outside/logout", data={"logout_token": "a"})).status_code,
    ]

    assert answers == [404, 404, 404]


@pytest.mark.parametrize("region", [{"oidc_issuer": "http://127.0.0.1:1"}], indirect=True)
async def test_a_provider_that_is_away_is_a_503(region: Region) -> None:
    assert (await region.here.get("/sign-in/outside")).status_code == 503
