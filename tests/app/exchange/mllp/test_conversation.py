"""A conversation: what each message is answered, by whom it may be sent, and that nothing is done twice."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from app.access.bound import NotBound
from app.access.certificate import thumbprint
from app.exchange.mllp.frames import framed
from app.exchange.mllp.source import Binding, checked, remove_source
from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded
from tests.certificates import Authority
from tests.mllp import a_line, a_message, add_binding, fields, listening, outcome, speaking
from tests.world import World, running

pytestmark = pytest.mark.anyio

PID = "PID|||4711^^^^PI||山田^太郎^^^^^L^I~ヤマダ^タロウ^^^^^L^P||19600102|M"


CASES = [
    (a_message(PID, id="A1"), ("AA", "A1")),
    (a_message(PID, kind="ADT^A99", id="A2"), ("AR", "A2", "MSH^1^9^1^2 201")),
    (a_message(PID, kind="XYZ^A01", id="A3"), ("AR", "A3", "MSH^1^9^1^1 200")),
    (a_message(PID, id="A4", f11="T"), ("AR", "A4", "MSH^1^11 202")),
    (a_message(PID, id="A5", f12="3.0"), ("AR", "A5", "MSH^1^12 203")),
    (a_message(PID, id=""), ("AE", "", "MSH^1^10 101")),
    (a_message(PID, id="9" * 200), ("AE", "9" * 200, "MSH^1^10 102")),
    (a_message(PID, kind=""), ("AE", "1", "MSH^1^9 101")),
    (a_message(id="A6"), ("AE", "A6", "PID^1 100")),
    (a_message("PID|||^^^^PI||X", id="A7"), ("AE", "A7", "PID^1^3 101")),
    (a_message("PID|||4711^^^&1.2.3&ISO||X", id="A8"), ("AE", "A8", "PID^1^3^1^4 204")),
    ("BHS|^~\\&|EHR\r", ("AR", "", "BHS^1 200")),
    ("", ("AR", "", "MSH^1 100")),
    ("GET / HTTP/1.1", ("AR", "", "MSH^1 100")),
    ("MSH|||||", ("AE", "", "MSH^1^2 102")),
    ("MSH", ("AE", "", "MSH^1^2 102")),
]


async def test_every_message_is_answered_by_what_it_is(settings: Settings, world: World) -> None:
    async with speaking(world) as line:
        for message, said in CASES:
            answer = await line.say(message)
            assert outcome(answer) == said, message

    events = [one for one in await recorded(settings) if one.method == "MLLP"]
    assert len(events) == len(CASES)
    assert {(one.client, one.organisation, one.network) for one in events} == {
        ("hospital-a-system", "Organization/hospital-a", "127.0.0.1")
    }
    assert [one.interaction for one in events if one.outcome == "0"] == ["iti-8"]


async def test_an_answer_goes_back_to_where_its_message_came_from(world: World) -> None:
    async with speaking(world) as line:
        answer = await line.say(a_message(PID, id="B1", f3="EHR^1.2^ISO", f12="2.5.1^JPN", f18="UNICODE UTF-8"))

    (header,) = fields(answer, "MSH")
    assert header[3:7] == ["HUB", "REGION", "EHR^1.2^ISO", "A"]
    assert (header[9], header[11], header[12], header[18]) == ("ACK^A08^ACK", "P", "2.5.1^JPN", "UNICODE UTF-8")
    assert header[10]


async def test_the_separators_and_the_characters_of_the_sender_are_those_of_the_answer(world: World) -> None:
    async with speaking(world) as line:
        other = a_message(PID, id="C1").replace("|", "#").replace("^", "!")
        answer = await line.say(other)
        japanese = await line.say(a_message(PID, id="C2", f3="電子カルテ", f18="~ISO IR87"), "iso2022_jp")

    assert answer.startswith("MSH#!~\\&#HUB#REGION#EHR#A#")
    assert "MSA#AA#C1" in answer
    assert outcome(japanese) == ("AA", "C2")
    assert fields(japanese, "MSH")[0][5] == "電子カルテ"


MODES: list[tuple[str, str, list[str], list[str], list[str]]] = [
    ("AL", "NE", ["CA"], ["CE"], ["CR"]),
    ("AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
    ("NE", "AL", ["AA"], ["AE"], []),
    ("ER", "NE", [], ["CE"], ["CR"]),
    ("SU", "NE", ["CA"], [], []),
    ("", "AL", ["AA"], ["AE"], []),
    ("X", "?", ["AA"], ["AE"], ["AR"]),
]
"""MSH-15, MSH-16, and what is answered: to what is done, to what has an error, to what is of no kind."""


async def test_the_enhanced_mode_is_answered_as_its_sender_asks(world: World) -> None:
    async with speaking(world) as line:
        for number, (accept, apply, *wanted) in enumerate(MODES):
            kinds = (("ADT^A08", PID), ("ADT^A08", "PID|||"), ("ADT^A99", PID))
            for (kind, pid), codes in zip(kinds, wanted, strict=True):
                sent = a_message(pid, kind=kind, id=f"{number}{kind}{len(pid)}", f15=accept, f16=apply)
                await line.send(framed(sent.encode()))
                found = [outcome(await line.answer())[0] for _ in codes]
                assert found == codes, (accept, apply, kind, pid)


async def test_a_message_that_is_sent_again_is_answered_again_and_done_once(settings: Settings, world: World) -> None:
    again = a_message(PID, id="D1")
    async with speaking(world) as line:
        first, second = await line.say(again), await line.say(again)
        other = await line.say(a_message(PID.replace("太郎", "次郎"), id="D1", f7="20260401130000"))

    assert first == second
    assert outcome(other) == ("AA", "D1")
    (patient,) = await patients(world)
    assert patient["meta"]["versionId"] == "2"
    bodies = await query(settings, "SELECT body FROM mllp_message ORDER BY row")
    assert next(bytes(body) for (body,) in bodies) == again.encode()
    assert len(bodies) == 2


async def patients(world: World, site: str = "hospital-a") -> list[dict[str, Any]]:
    """Return the Patients that a site has."""
    answer = await world.http.get("/fhir/Patient?_sort=_id", headers=await world.client(site))
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", [])]


async def test_who_is_not_known_is_told_nothing(settings: Settings, world: World) -> None:
    await world.client("hospital-a")
    bound = Binding("a", "hospital-a-system", network="10.0.0.0/8")
    async with listening(world.hub) as listener:
        nobody = await a_line(listener)
        assert await nobody.has_ended()
        await add_binding(world, bound)
        stranger = await a_line(listener)
        assert await stranger.has_ended()
        await add_binding(world, Binding("here", "hospital-a-system", network="127.0.0.0/8", application="EHR"))
        known = await a_line(listener)
        assert outcome(await known.say(a_message(PID, id="E1"))) == ("AA", "E1")
        assert outcome(await known.say(a_message(PID, id="E2", f3="OTHER"))) == ("AE", "E2", "MSH^1^3 207")
        async with world.hub.database.write() as connection:
            await remove_source(connection, "here")
        assert await known.say(a_message(PID, id="E3")) == ""

    told = [one for one in await recorded(settings) if one.interaction == "node-authentication"]
    assert [(one.network, one.outcome, one.description) for one in told] == [("127.0.0.1", "8", "MLLP")] * 3


@pytest.mark.parametrize(
    "binding",
    [
        Binding("", "c", network="10.0.0.1"),
        Binding("a", "c"),
        Binding("a", "c", network="10.0.0.1/8"),
        Binding("a", "c", network="host"),
        Binding("a", "c", network="10.0.0.1", purpose="BTG"),
        Binding("a", "c", network="10.0.0.1", purpose="FUN"),
    ],
)
def test_a_source_is_known_by_something_that_has_its_form(binding: Binding) -> None:
    with pytest.raises(NotBound):
        checked(binding)


async def test_connections_are_secured_and_known_by_their_certificates(settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("hub")
    other = tmp_path / "other"
    other.mkdir()
    chosen = {"mllp_certificate": certificate, "mllp_key": key, "mllp_authority": authority.path}
    shown, secret = authority.issue("ehr")
    mark = thumbprint(ssl.PEM_cert_to_DER_cert(shown.read_text()))

    async with running(settings.model_copy(update=chosen)) as world, listening(world.hub) as listener:
        await world.client("hospital-a")
        await add_binding(world, Binding("a", "hospital-a-system", certificate=mark, network="127.0.0.1"))
        await add_binding(world, Binding("b", "hospital-a-system", subject="CN=lab"))
        known = await a_line(listener, how(authority, shown, secret))
        assert outcome(await known.say(a_message(PID, id="F1"))) == ("AA", "F1")
        named = await a_line(listener, how(authority, *authority.issue("lab")))
        assert outcome(await named.say(a_message(PID, id="F2"))) == ("AA", "F2")
        stranger = await a_line(listener, how(authority, *authority.issue("stranger")))
        assert await stranger.has_ended()
        foreign = await a_line(listener, how(authority, *Authority(other).issue("ehr")))
        assert await foreign.has_ended()
        plain = await a_line(listener)
        assert await plain.say(a_message(PID, id="F3")) == ""
        async with asyncio.timeout(20):
            told: list[Any] = []
            while len(told) < 3:
                # The hub shares this loop, and records what it turned away after it did.
                await asyncio.sleep(0.01)
                told = [one for one in await recorded(settings) if one.outcome == "8"]

    assert {one.interaction for one in told} == {"node-authentication"}
    reasons = sorted((one.outcome_desc or "").partition(":")[0].partition(" (")[0] for one in told)
    assert reasons == ["No source of HL7 messages is known to be there", *["The TLS handshake failed"] * 2]


def how(authority: Authority, certificate: Path, key: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(authority.path))
    made.load_cert_chain(str(certificate), str(key))
    return made


async def test_what_is_no_stream_of_messages_ends_and_others_go_on(settings: Settings) -> None:
    bounds = {"mllp_frame_bytes": 2_000, "mllp_connections_each": 2, "mllp_read_seconds": 0.05}
    async with running(settings.model_copy(update=bounds)) as world, listening(world.hub) as listener:
        await world.client("hospital-a")
        await add_binding(world, Binding("a", "hospital-a-system", network="127.0.0.1"))
        line = await a_line(listener)
        too_large = await line.say(a_message(PID, "NTE|" + "x" * 2_000, id="G1"))
        assert outcome(too_large) == ("AE", "G1", " 207")
        assert await line.has_ended()
        slow = await a_line(listener)
        await slow.send(b"\x0bMSH|")
        assert await slow.has_ended()
        one, two, three = [await a_line(listener) for _ in range(3)]
        assert await three.has_ended()
        assert outcome(await one.say(a_message(PID, id="G2"))) == ("AA", "G2")
        assert outcome(await two.say(a_message(PID, id="G3"))) == ("AA", "G3")


async def test_messages_that_are_sent_at_once_are_answered_in_their_order(world: World) -> None:
    async with speaking(world) as line:
        await line.send(b"".join(framed(a_message(PID, id=f"H{number}").encode()) for number in range(5)))

        assert [outcome(await line.answer())[1] for _ in range(5)] == [f"H{number}" for number in range(5)]
