"""The log's addresses: auditors fetch tiles, records and proofs; nobody else, and each use is recorded."""

import pytest

from app.access.identify import COOKIE
from app.audit.checkpoint import verify
from app.audit.proof_text import verify_growth, verify_record
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.audit.tree import leaf_hash, root
from tests.portal import a_session
from tests.world import World

pytestmark = pytest.mark.anyio


async def a_log(world: World, count: int) -> None:
    hub = world.hub
    await hub.audit.append([Event(hub.clock(), "R", "read", description=str(n)) for n in range(count)])
    await hub.leader.integrate_all()


async def test_an_auditor_proves_a_record_and_the_growth_of_the_log(world: World) -> None:
    auditor = await world.client("audit-office", role="auditor")
    key = world.hub.leader._signer.verifier
    await a_log(world, 300)

    async def get(path: str) -> bytes:
        answer = await world.http.get(f"/audit/log/{path}", headers=auditor)
        assert answer.status_code == 200, answer.text
        return answer.content

    first = verify(await get("checkpoint"), key)
    hashes = await get("tile/0/000") + await get("tile/0/001.p/44")
    assert root([hashes[at : at + 32] for at in range(0, len(hashes), 32)]) == first.root
    record, proof = await get("record/7"), await get("inclusion/7")
    await a_log(world, 5)
    growth = await get("consistency/300")

    assert first.size == 300
    assert leaf_hash(record) == hashes[7 * 32 : 8 * 32]
    assert verify_record(proof.decode(), record, [key])[0] == 7
    assert verify_growth(growth.decode(), first, [key]).size > 300


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/001.p/50", "tile/1/000.p/2", "tile/0/000.p/256", "tile/63/000", "tile/x", "record/500", "record/x"),
        *("inclusion/500", "inclusion/-1", "consistency/500", "consistency/１", "inclusion/" + "9" * 30, "nothing"),
    ],
)
async def test_what_the_log_has_not_is_not_found(world: World, path: str) -> None:
    auditor = await world.client("audit-office", role="auditor")
    await a_log(world, 300)

    answer = await world.http.get(f"/audit/log/{path}", headers=auditor)

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000.p/1", "record/0", "inclusion/0", "consistency/1"])
async def test_nobody_else_is_let_in(world: World, path: str) -> None:
    await a_log(world, 3)

    answers = [
        await world.http.get(f"/audit/log/{path}", headers=headers)
        for headers in ({}, {"Authorization": "Bearer x"}, await world.client("hospital-a"))
    ]

    assert [one.status_code for one in answers] == [401, 401, 403]
    assert answers[0].headers["www-authenticate"] == "Bearer"


async def test_an_auditor_s_session_opens_them_and_the_use_is_recorded(world: World) -> None:
    await a_log(world, 3)
    cookie = await a_session(world, "audit-office", "auditor")

    answer = await world.http.get("/audit/log/checkpoint", headers={"Cookie": f"{COOKIE}={cookie}"})
    refused = await world.http.get("/audit/log/record/0", headers=await world.client("hospital-a"))

    assert (answer.status_code, refused.status_code) == (200, 403)
    found = await Reviewer(world.hub.audit.keys).ask(
        world.hub.database.reader, Question(), now=world.hub.clock(), limit=10
    )
    used = [one.event for one in found.entries if one.event.interaction == "audit-log-used"]
    assert [(one.path, one.outcome) for one in used] == [("/audit/log/record/0", "4"), ("/audit/log/checkpoint", "0")]


async def test_an_empty_log_has_no_checkpoint(world: World) -> None:
    auditor = await world.client("audit-office", role="auditor")

    assert (await world.http.get("/audit/log/checkpoint", headers=auditor)).status_code == 404
