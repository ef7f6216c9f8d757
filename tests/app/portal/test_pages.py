import re
from pathlib import Path

import pytest

from app.db import DatabaseUnavailable
from app.portal import gate, language, page
from app.portal.roles import PAGES
from app.records.record import StaleCaller
from tests.portal import SAME_SITE, a_browser, an_account, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

TEMPLATES = Path(page.__file__).parent / "templates"


GLASS = "break-glass/cases"
OFFICE = (GLASS, "explain")
COUNTER = ("own-log", "watched")
RIGHTS = ("rights-requests", "entries")


@pytest.mark.parametrize(
    ("role", "opens"),
    [
        ("doctor", {"patients", "consents", GLASS, "entries", "media"}),
        ("nurse", {"patients", "consents", GLASS, "entries", "media"}),
        ("pharmacist", {"patients", GLASS, "entries"}),
        ("clerk", {"patients", "consents", "third-party", "accounts", "entries", "media"}),
        (
            "secretariat",
            {
                *OFFICE,
                *COUNTER,
                *RIGHTS,
                "patients",
                "consents",
                "identity",
                "third-party",
                "accounts",
                "organisations",
            },
        ),
        ("auditor", {*OFFICE, *RIGHTS, "audit", "third-party", "accounts", "organisations"}),
        ("operator", {"accounts", "organisations"}),
        ("patient", {"own-log"}),
    ],
)
async def test_a_role_opens_its_own_pages_and_its_menu_shows_them(world: World, role: str, opens: set[str]) -> None:
    browser = await signed_in(world, "clinic-c", role)

    names = ("patients", "consents", "identity", "media", "audit", "third-party", "accounts", "organisations")
    for name in (*OFFICE, *COUNTER, *RIGHTS, *names):
        answer = await browser.get(f"/{name}")
        assert answer.status_code == (200 if name in opens else 403)
        menu = answer.text.partition("<nav")[2].partition("</nav>")[0]
        assert set(re.findall(r'href="/([\w/-]+)"', menu)) == opens


@pytest.mark.parametrize(
    ("role", "home"), [("doctor", "/patients"), ("secretariat", "/consents"), ("auditor", "/audit")]
)
async def test_a_role_begins_where_its_work_begins(world: World, role: str, home: str) -> None:
    browser = await signed_in(world, "clinic-c", role)

    assert (await browser.get("/")).headers["location"] == home


async def test_every_page_loads_nothing_from_elsewhere_and_is_kept_nowhere(world: World) -> None:
    patient = (await world.post(await world.client("clinic-c"), a_patient()))["id"]
    browser = await signed_in(world, "clinic-c")

    for address in ("/patients", f"/patients/{patient}", f"/consents?patient={patient}", "/password", "/patients/none"):
        answer = await browser.get(address)
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)
        assert not re.search(r"<style|style=|<script>|\son\w+=", answer.text)


@pytest.mark.parametrize("name", ["portal.css", "portal.js", "renkei.svg"])
async def test_the_static_files_are_served_without_a_session(world: World, name: str) -> None:
    answer = await a_browser(world).get(f"/static/{name}")

    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in answer.text


async def test_after_signing_in_the_wanted_page_comes(world: World) -> None:
    browser = a_browser(world)
    name = await an_account(world, "clinic-c", "doctor")
    form = await browser.get("/?next=/patients/abc%3Fkind=document")

    answer = await browser.sign_in(name, next="/patients/abc?kind=document")

    assert 'name="next" value="/patients/abc?kind=document"' in form.text
    assert answer.headers["location"] == "/patients/abc?kind=document"


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "/a\nb"]
)
async def test_nobody_is_sent_to_another_site(world: World, wanted: str) -> None:
    browser = a_browser(world)

    answer = await browser.sign_in(await an_account(world, "clinic-c", "doctor"), next=wanted)

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("header", "cookie", "query", "spoken"),
    [
        ("ja", "", "", "ja"),
        ("en-GB,en;q=0.8,ja;q=0.5", "", "", "en"),
        ("fr, en;q=0.3, ja;q=0.2", "", "", "en"),
        ("fr", "", "", "ja"),
        ("en;q=x", "", "", "ja"),
        ("", "", "", "ja"),
        ("ja", "en", "", "en"),
        ("ja", "xx", "", "ja"),
        ("ja", "ja", "?lang=en", "en"),
        ("ja", "", "?lang=xx", "ja"),
    ],
)
async def test_the_language_is_the_one_that_is_wanted(
    world: World, header: str, cookie: str, query: str, spoken: str
) -> None:
    browser = a_browser(world)
    if cookie:
        browser.http.cookies.set(language.COOKIE, cookie)

    answer = await browser.get(f"/{query}", headers={"accept-language": header})

    assert answer.headers["content-language"] == spoken
    assert f'<html lang="{spoken}">' in answer.text


async def test_a_chosen_language_is_remembered(world: World) -> None:
    browser = a_browser(world)
    await browser.get("/?lang=en")

    assert "Sign in" in (await browser.get("/")).text


def test_both_languages_have_the_same_texts() -> None:
    japanese, english = language.texts("ja"), language.texts("en")

    assert japanese.keys() == english.keys()
    for key in japanese:
        assert set(re.findall(r"{\w+}", japanese[key])) == set(re.findall(r"{\w+}", english[key])), key


def test_every_text_that_a_template_names_is_there() -> None:
    named = {key for file in TEMPLATES.glob("*.html") for key in re.findall(r'\bt\("([\w.]+)"[,)]', file.read_text())}

    assert len(named) > 100
    assert named <= language.texts("ja").keys()


def test_an_unknown_text_is_an_error_or_something_else() -> None:
    words = language.words("en")

    assert words.maybe("label.XYZ", "XYZ") == "XYZ"
    with pytest.raises(KeyError):
        words("no.such.text")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 422, 500, 503])
def test_every_failure_has_a_text(status: int) -> None:
    assert f"failure.{gate.FAILURES.get(status, '500')}" in language.texts("ja")


@pytest.mark.parametrize(
    ("method", "accept", "status", "text"),
    [
        ("GET", "text/html,*/*", 404, "見つかりません"),
        ("GET", "application/json", 404, '{"detail":"Not Found"}'),
        ("PUT", "*/*", 405, '{"detail":"Method Not Allowed"}'),
    ],
)
async def test_an_unknown_address_is_a_page_to_a_browser_and_a_line_to_a_program(
    world: World, method: str, accept: str, status: int, text: str
) -> None:
    address = "/sign-in" if method == "PUT" else "/no/such/page"

    answer = await a_browser(world).http.request(method, address, headers={"accept": accept})

    assert answer.status_code == status
    assert text in answer.text


async def test_a_page_that_fails_says_so_and_is_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(hub: object) -> None:
        raise RuntimeError("broken")

    browser = await signed_in(world, "clinic-c")
    monkeypatch.setattr("app.portal.patients.read_sites", broken)

    answer = await browser.get("/patients")

    assert answer.status_code == 500
    assert "ハブに問題が起きました" in answer.text
    assert (await recorded(world))[-1].outcome == "8"


async def test_rights_that_change_meanwhile_are_asked_for_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await signed_in(world, "clinic-c")
    real, calls = gate.identify, []

    async def stale_at_first(request: object) -> object:
        caller, secret = await real(request)
        calls.append(caller)
        if len(calls) == 1:
            caller = type(caller)(**{**{n: getattr(caller, n) for n in caller.__slots__}, "epoch": caller.epoch - 1})
        return caller, secret

    monkeypatch.setattr(gate, "identify", stale_at_first)

    answer = await browser.get("/patients?q=%E5%B1%B1%E7%94%B0")

    assert answer.status_code == 200
    assert len(calls) == 2


async def test_rights_that_change_all_the_time_are_a_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stale(hub: object) -> None:
        raise StaleCaller

    browser = await signed_in(world, "clinic-c")
    monkeypatch.setattr("app.portal.patients.read_sites", stale)

    assert (await browser.get("/patients")).status_code == 503


async def test_nothing_is_shown_that_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.post(await world.client("clinic-c"), a_patient())
    browser = await signed_in(world, "clinic-c")

    async def full(*arguments: object) -> None:
        raise DatabaseUnavailable("the disk is full")

    monkeypatch.setattr("app.audit.log.AuditLog.write", full)

    shown = await browser.get("/patients?q=%E5%B1%B1%E7%94%B0")
    signed = await browser.sign_in("doctor-clinic-c")
    unknown = await a_browser(world).get("/patients")

    assert [shown.status_code, signed.status_code, unknown.status_code] == [503, 503, 503]
    assert "1960-01-02" not in shown.text


async def test_a_database_that_is_away_is_a_503_at_home(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(secret: str) -> None:
        raise DatabaseUnavailable("away")

    browser = await signed_in(world, "clinic-c")
    monkeypatch.setattr(world.hub.callers, "by_session", away)

    assert (await browser.get("/")).status_code == 503


@pytest.mark.parametrize(
    ("body", "status"), [(b"a=" + b"x" * 70_000, 413), ("名=1".encode(), 400), (b"a=%FF", 400), (b"a&" * 600, 400)]
)
async def test_a_form_that_cannot_be_read_is_refused(world: World, body: bytes, status: int) -> None:
    answer = await a_browser(world).http.post("/sign-in", content=body, headers=SAME_SITE)

    assert answer.status_code == status


def test_every_page_names_roles_that_exist() -> None:
    assert all(PAGES.values())


async def test_a_session_cookie_opens_the_fhir_door_for_reading_only(world: World) -> None:
    patient = (await world.post(await world.client("clinic-c"), a_patient()))["id"]
    browser = await signed_in(world, "clinic-c")

    read = await browser.get(f"/fhir/Patient/{patient}")
    written = await browser.http.post("/fhir/Consent", json={})

    assert [read.status_code, written.status_code] == [200, 401]


def test_the_viewer_stays_small() -> None:
    modules = list((TEMPLATES.parent / "static" / "viewer").glob("*.js"))

    assert len(modules) > 8
    assert sum(one.stat().st_size for one in modules) <= 60 * 1024
    assert max(len(one.read_text().splitlines()) for one in modules) <= 300
