import csv
import io
import re

import pytest

from app.access.tables import account
from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.source import ImagingSource, add_source
from app.imaging.sources.state import note
from tests.portal import Browser, a_browser, an_account, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio

WHY = {"why": "by the book"}
NURSE = {"name": "new-nurse", "title": "新人 看護", "role": "nurse", "organisation": "clinic-c", **WHY}


async def as_person(world: World, site: str, role: str, name: str, *, head: bool = False) -> Browser:
    browser = a_browser(world)
    await browser.sign_in(await an_account(world, site, role, name=name, head=head))
    return browser


async def test_rights_are_requested_granted_and_confirmed_on_pages(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")
    head = await as_person(world, "clinic-c", "doctor", "head", head=True)
    office = await as_person(world, "secretariat", "secretariat", "office")

    asked = await clerk.post("/requests", NURSE)
    address = asked.headers["location"]
    seen = (await office.get("/accounts")).text
    early = await head.post(address, {"act": "confirm"})
    bare = await office.post(address, {"act": "grant"})
    granted = await office.post(address, {"act": "grant", **WHY})
    password = re.search(r'<code class="secret">([^<]+)</code>', granted.text)
    confirmed = await head.post(address, {"act": "confirm"})

    assert address == "/requests/1"
    assert "新人 看護" in seen
    assert [early.status_code, bare.status_code, granted.status_code] == [409, 400, 200]
    assert "理由を記入してください" in bare.text
    assert password is not None
    assert password[1] not in (await office.get(address)).text
    assert confirmed.headers["location"] == address
    assert (await a_browser(world).sign_in("new-nurse", password[1])).status_code == 303


async def test_a_form_that_is_not_right_says_why_and_keeps_what_was_typed(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")

    for wrong, text in (
        ({"name": "あ"}, "利用者名は英数字"),
        ({"name": "clerk"}, "その利用者名は使われています"),
        ({"title": ""}, "氏名を記入"),
        ({"role": "auditor"}, "選べない職種"),
        ({"ends": "2001-01-01"}, "過ぎた日"),
        ({"ends": "soon"}, "過ぎた日"),
        ({"ends": "9999-12-31"}, "過ぎた日"),
        ({"why": " "}, "理由を記入"),
        ({"organisation": "nowhere"}, "入力を確かめて"),
    ):
        answer = await clerk.post("/requests", NURSE | wrong)
        assert (answer.status_code, text in answer.text) == (400, True), (wrong, answer.status_code)
        assert 'value="by the book"' in answer.text or "why" in wrong


async def test_who_may_not_is_refused_on_pages_too(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")
    elsewhere = await as_person(world, "clinic-d", "clerk", "elsewhere")
    auditor = await as_person(world, "audit-office", "auditor", "auditor")
    nurse = await as_person(world, "clinic-c", "nurse", "nurse")
    address = (await clerk.post("/requests", NURSE)).headers["location"]

    refused = [
        (await clerk.post("/requests", NURSE | {"name": "other", "organisation": "clinic-d"})).status_code,
        (await clerk.post(address, {"act": "grant", **WHY})).status_code,
        (await auditor.post(address, {"act": "grant", **WHY})).status_code,
        (await nurse.get("/accounts")).status_code,
        (await nurse.post("/requests", NURSE | {"name": "other"})).status_code,
        (await clerk.post("/accounts/nurse", {"act": "leave", **WHY})).status_code,
        (await clerk.post("/accounts/nurse", {"act": "reset", **WHY})).status_code,
    ]

    assert refused == [403] * 7
    assert (await auditor.get(address)).status_code == 200
    assert (await clerk.post(address, {"act": "dance"})).status_code == 400
    assert elsewhere


async def test_people_of_another_site_look_as_if_they_did_not_exist(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")
    elsewhere = await as_person(world, "clinic-d", "clerk", "elsewhere")
    address = (await clerk.post("/requests", NURSE)).headers["location"]

    def plain(text: str) -> str:
        return re.sub(r'value="[^"]*"|href="[^"]*"|previous', "", text)

    hidden = await elsewhere.get("/accounts/clerk")
    never = await elsewhere.get("/accounts/nobody")
    assert [hidden.status_code, never.status_code] == [404, 404]
    assert plain(hidden.text) == plain(never.text)
    assert [(await elsewhere.get(one)).status_code for one in (address, "/requests/99", "/requests/x")] == [404] * 3
    listed = (await elsewhere.get("/accounts?site=clinic-c")).text
    assert "/accounts/elsewhere" in listed
    assert "/accounts/clerk" not in listed
    assert "新人 看護" not in listed


async def test_what_the_head_does_on_somebodys_page(world: World) -> None:
    head = await as_person(world, "clinic-c", "doctor", "head", head=True)
    office = await as_person(world, "secretariat", "secretariat", "office")
    nurse = await as_person(world, "clinic-c", "nurse", "nurse")

    confirmed = await head.post("/accounts/nurse", {"act": "confirm"})
    lost = await head.post("/accounts/nurse", {"act": "lost-device", **WHY})
    twice = await head.post("/accounts/nurse", {"act": "lost-device", **WHY})
    reset = await office.post("/accounts/nurse", {"act": "reset", **WHY})
    refused = (await nurse.get("/patients")).status_code
    later_on = await head.post("/accounts/nurse", {"act": "leave", "ends": "2099-03-31", **WHY})
    page = (await head.get("/accounts/nurse")).text
    left = await head.post("/accounts/nurse", {"act": "leave", **WHY})

    assert [confirmed.headers["location"], lost.headers["location"]] == [
        *("/accounts/nurse?done=confirm", "/accounts/nurse?done=lost-device"),
    ]
    assert (twice.status_code, "まだ処理されていません" in twice.text) == (400, True)
    assert 'class="secret"' in reset.text
    assert refused == 303
    assert later_on.status_code == left.status_code == 303
    assert "2099-03-31 まで" in page
    assert "終了" in (await head.get("/accounts/nurse")).text


async def test_the_list_can_be_saved_as_a_table(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")
    office = await as_person(world, "secretariat", "secretariat", "office")
    async with world.hub.database.write() as connection:
        await connection.execute(account.update().values(title="=cmd|' /C calc'!A0"), {})

    answer = await office.get("/accounts.csv")
    own = await clerk.get("/accounts.csv?site=clinic-d")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["title"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert [row["name"] for row in rows] == ["clerk", "office"]
    assert "office" not in own.text


async def test_the_organisations_and_their_systems_are_shown(world: World) -> None:
    office = await as_person(world, "secretariat", "secretariat", "office")
    await an_account(world, "clinic-c", "doctor", name="head", head=True)
    await world.client("clinic-c")

    page = (await office.get("/organisations")).text

    assert "/accounts/head" in page
    assert "責任者がいません" in page
    assert "clinic-c-system" in page


async def test_the_secretariat_adds_an_organisation(world: World) -> None:
    office = await as_person(world, "secretariat", "secretariat", "office")
    auditor = await as_person(world, "audit-office", "auditor", "auditor")
    clinic = {"title": "新しい診療所", "slug": "clinic-n", "kind": "clinic", "number": "0110000099"}

    refused = await auditor.post("/organisations", clinic)
    for wrong, text in (
        ({"slug": "Clinic"}, "英小文字で始まる"),
        ({"slug": "clinic-c"}, "使われています"),
        ({"number": "1"}, "10桁"),
        ({"title": " "}, "名称を記入"),
        ({"kind": "shop"}, "入力を確かめて"),
    ):
        answer = await office.post("/organisations", clinic | wrong)
        assert (answer.status_code, text in answer.text) == (400, True), wrong
    added = await office.post("/organisations", clinic)

    assert [refused.status_code, added.status_code] == [403, 303]
    assert "新しい診療所" in (await office.get("/organisations")).text
    assert (await office.get("/fhir/Organization/clinic-n")).status_code == 200


@pytest.mark.parametrize("language", ["ja", "en"])
async def test_every_page_of_people_is_there_in_both_languages(world: World, language: str) -> None:
    head = await as_person(world, "clinic-c", "doctor", "head", head=True)
    await head.post("/requests", NURSE)

    for address in (
        *("/account", "/account/factors", "/accounts", "/accounts/head", "/requests/new", "/requests/1", "/roles"),
        *("/accounts/head?done=leave", "/account?done=ended", "/account?done=<b>"),
    ):
        answer = await head.get(address, headers={"accept-language": language})
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
        assert not re.search(r"<style|style=|<script>|\son\w+=", answer.text)
        assert answer.headers["cache-control"] == "no-store"


async def test_what_people_write_is_shown_as_text(world: World) -> None:
    clerk = await as_person(world, "clinic-c", "clerk", "clerk")
    office = await signed_in(world, "secretariat", "secretariat")
    evil = "<script>alert(1)</script>"

    address = (await clerk.post("/requests", NURSE | {"title": evil, "why": evil})).headers["location"]

    for page in (address, "/accounts"):
        assert evil not in (await office.get(page)).text
        assert "&lt;script&gt;" in (await office.get(page)).text


async def test_where_sites_keep_images_is_shown_with_its_health(world: World) -> None:
    operator = await as_person(world, "secretariat", "operator", "operator")
    await world.client("hospital-a")
    source = ImagingSource(world.hub.new_row(), "pacs-a", "hospital-a-system", "https://pacs.example", cache="days:3")
    async with world.hub.database.write() as connection:
        await add_source(connection, source)
    await note(world.hub, source.key, failure="It does not answer", failures=6, wait_seconds=60)

    page = (await operator.get("/organisations")).text
    health = (await world.http.get("/health")).json()

    for words in ("pacs-a", "hospital-a-system", "3日間", "停止中", "It does not answer"):
        assert words in page
    assert "pacs.example" not in page
    failure = SourceFailed.because("pacs-a", "unreachable", "ConnectError")
    await note(world.hub, source.key, failure=failure.noted, failures=7, wait_seconds=60)
    assert "接続できません（ConnectError）" in (await operator.get("/organisations")).text
    assert (
        "cannot be asked (ConnectError)"
        in (await operator.get("/organisations", headers={"accept-language": "en"})).text
    )
    assert "The imaging source pacs-a fails, and is not asked for a while" in health["notes"]
