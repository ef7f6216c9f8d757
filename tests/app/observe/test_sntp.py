"""Asking an NTP server: what is an answer, what is none, and what it says of our clock.

https://www.rfc-editor.org/rfc/rfc5905#section-14
"""

import pytest

from app.clock import now
from app.observe.sntp import NoTime, Told, ask, place, read
from tests.ntp import NONCE, SECOND, a_server, an_answer

pytestmark = pytest.mark.anyio

SENT = 1_775_034_000_000_000


def test_an_answer_says_by_how_much_our_clock_is_behind() -> None:
    # Ours is 2 s behind; the way there took 10 ms, the way back 30 ms, and the server 5 ms.
    answer = an_answer(there=SENT + 2 * SECOND + 10_000, back=SENT + 2 * SECOND + 15_000)

    told = read(answer, NONCE, SENT, SENT + 45_000)

    assert told.delay == pytest.approx(40_000, abs=2)
    assert told.offset == pytest.approx(2 * SECOND - 10_000, abs=2)
    assert told.stratum == 2


@pytest.mark.parametrize("year_2036", [2_085_978_496 - 5, 2_085_978_496 + 5], ids=["before", "after"])
def test_the_end_of_the_first_era_is_no_end(year_2036: int) -> None:
    sent = year_2036 * SECOND

    told = read(an_answer(there=sent, back=sent), NONCE, sent, sent)

    assert abs(told.offset) <= 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"short", "too short"),
        (an_answer(there=SENT, back=SENT, nonce=b"87654321"), "another question"),
        (an_answer(there=SENT, back=SENT, mode=3), "another question"),
        (an_answer(there=SENT, back=SENT, leap=3), "not synchronised"),
        (an_answer(there=SENT, back=SENT, stratum=16), "not synchronised"),
        (an_answer(there=SENT, back=SENT, stratum=0, name=b"RATE"), "RATE"),
        (an_answer(there=SENT, back=SENT)[:40] + bytes(8), "not synchronised"),
    ],
    ids=["short", "forged", "a client", "leap alarm", "stratum 16", "kiss of death", "no time"],
)
def test_what_is_no_answer_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(NoTime, match=reason):
        read(answer, NONCE, SENT, SENT)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ntp.nict.jp", ("ntp.nict.jp", 123)),
        ("127.0.0.1:1123", ("127.0.0.1", 1123)),
        ("::1", ("::1", 123)),
        ("[::1]:1123", ("::1", 1123)),
        ("[::1]", ("::1", 123)),
    ],
)
def test_a_server_is_named_with_or_without_a_port(text: str, found: tuple[str, int]) -> None:
    assert place(text) == found


async def test_a_server_is_asked_over_the_network() -> None:
    async with a_server(90 * SECOND) as (address, server):
        told = await ask(address, clock=now)

    assert isinstance(told, Told)
    assert told.offset == pytest.approx(90 * SECOND, abs=SECOND)
    (question,) = server.questions
    assert (len(question), question[0]) == (48, 0b00_100_011)
    # Nothing of our clock is in it.
    assert question[1:40] == bytes(39)


async def test_a_server_that_is_not_there_gives_no_time() -> None:
    async with a_server(0) as (address, _):
        pass

    with pytest.raises(NoTime):
        await ask(address, clock=now, wait_seconds=0.2)


async def test_a_name_that_is_no_address_gives_no_time() -> None:
    with pytest.raises(NoTime):
        await ask("127.0.0.1:none", clock=now)
