from pathlib import Path

import pytest

from app.audit.desk.standing import standing
from app.audit.witness.serve import create
from app.settings import Settings
from tests.app.audit.desk.test_pages import an_event
from tests.desk import a_known, a_look, looked
from tests.world import World, running

pytestmark = pytest.mark.anyio


async def test_an_ordinary_log_stands_alone(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient))
    await world.hub.audit.append([a_look(world, patient)])

    found = await standing(world.hub)

    assert (found.state.size, found.looked_at, found.staged, found.keys) == (2, 2, 1, 0)
    assert (found.quorum, list(found.witnesses), found.copies, found.receivers, found.sources) == (0, [], [], [], [])


async def test_it_says_who_has_signed_and_who_waits(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "no-folder").touch()
    key = create(tmp_path / "witness", "a.example/witness").verifier.vkey
    changed = settings.model_copy(
        update={
            "audit_witnesses": f"http://127.0.0.1:9/witness {key}",
            "audit_quorum": 1,
            "audit_copies": str(tmp_path / "no-folder" / "copies"),
            "audit_feed": "https://arr.example/fhir/",
            "audit_witness_seconds": 3600.0,
        }
    )
    async with running(changed) as world:
        await looked(world, a_look(world, await a_known(world)))
        sent = await world.http.post(
            "/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=an_event("1")
        )
        assert sent.status_code == 201
        await world.hub.copying.run()

        found = await standing(world.hub)

    (witness,), (copy,), (receiver,), (source,) = found.witnesses, found.copies, found.receivers, found.sources
    assert (witness.name, witness.size, found.quorum, found.quorum_size) == ("a.example/witness", 0, 1, 0)
    assert copy.failure
    assert (receiver.destination, receiver.behind) == ("https://arr.example/fhir", found.state.size)
    assert (source.slug, source.client) == ("hospital-a", "hospital-a-system")
