import io
import zipfile
from pathlib import Path

import pytest

from app.audit.desk.own_log import archive, own_log, patients_of, proven
from app.audit.proof_text import ProofFails, verify_record
from app.audit.review import Reviewer
from app.identity.tables import person_patient
from app.lifecycle import audit_keys
from fhir.store.labels import DISCLOSURE
from tests.desk import Known, a_known, a_look, looked
from tests.world import World

pytestmark = pytest.mark.anyio


async def linked(world: World, one: Known, other: Known) -> None:
    async with world.hub.database.write() as connection:
        update = person_patient.update().where(person_patient.c.patient_key == other.key).values(person=one.key)
        await connection.execute(update, {})


async def page(world: World, patient: Known, *, limit: int = 100, before: int | None = None):  # type: ignore[no-untyped-def]
    hub = world.hub
    patients = await patients_of(hub.database.reader, patient.key)
    return await own_log(
        *(hub.database.reader, Reviewer(hub.audit.keys), patients), now=hub.clock(), limit=limit, before=before
    )


async def test_the_log_is_that_of_the_person_at_all_sites_and_of_nobody_else(world: World) -> None:
    here, there, other = await a_known(world), await a_known(world, "hospital-b"), await a_known(world)
    await linked(world, here, there)
    await looked(world, a_look(world, here, "a"), a_look(world, there, "b"), a_look(world, other, "c"))

    found = await page(world, here)

    assert [line.event.user for line in found.lines if line.event.user] == ["b", "a"]
    assert [line.event.user for line in (await page(world, there)).lines] == [line.event.user for line in found.lines]
    assert found.before is None


async def test_pages_go_on_over_the_sites(world: World) -> None:
    here, there = await a_known(world), await a_known(world, "hospital-b")
    await linked(world, here, there)
    await looked(world, *(a_look(world, (here, there)[number % 2], f"u{number}") for number in range(6)))

    first = await page(world, here, limit=4)
    second = await page(world, here, limit=4, before=first.before)

    users = [line.event.user for one in (first, second) for line in one.lines if line.event.user]
    assert users == ["u5", "u4", "u3", "u2", "u1", "u0"]
    assert second.before is None


async def test_each_record_has_a_proof_that_is_checked_without_the_hub(world: World) -> None:
    patient = await a_known(world)
    await looked(world, *(a_look(world, patient, f"u{number}") for number in range(3)))
    found = await page(world, patient)

    proofs = await proven(world.hub.database.reader, found.lines)

    _, signer = audit_keys(world.hub.settings)
    assert len(proofs) == len(found.lines) >= 4
    for line, proof in zip(found.lines, proofs, strict=True):
        index, _ = verify_record(proof.text, proof.record, [signer.verifier])
        assert index == line.leaf == proof.leaf
    with pytest.raises(ProofFails):
        verify_record(proofs[0].text, proofs[1].record, [signer.verifier])


async def test_what_is_not_in_the_tree_yet_comes_once_it_is(world: World) -> None:
    patient = await a_known(world)
    await looked(world)
    await world.hub.audit.append([a_look(world, patient)])
    before = await page(world, patient)
    await world.hub.leader.integrate_all()

    after = await page(world, patient)

    assert len(after.lines) == len(before.lines) + 1
    assert len(await proven(world.hub.database.reader, after.lines)) == len(after.lines)


@pytest.mark.parametrize("code", ["UNINFORMED", "UNDELIVERED"])
async def test_a_patient_that_is_withheld_from_the_person_is_not_shown_to_the_person(world: World, code: str) -> None:
    here = await a_known(world)
    there = await a_known(world, "hospital-b", meta={"security": [{"system": DISCLOSURE, "code": code}]})
    await linked(world, here, there)
    reader = world.hub.database.reader

    every = await patients_of(reader, here.key)
    shown = await patients_of(reader, there.key, to_patient=True)

    assert [one.key for one in every] == [here.key, there.key]
    assert [one.key for one in shown] == [here.key]


async def test_the_file_holds_what_the_offline_program_needs(world: World, tmp_path: Path) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient))
    proofs = await proven(world.hub.database.reader, (await page(world, patient)).lines)

    file = zipfile.ZipFile(io.BytesIO(archive(proofs, "a,b", "期間：")))

    leaf = proofs[0].leaf
    assert {"HOW-TO-CHECK.txt", "own-log.csv", f"record-{leaf}", f"proof-{leaf}"} <= set(file.namelist())
    assert file.read("HOW-TO-CHECK.txt").decode().startswith("期間：\n\nEach record-N")
    assert file.read(f"record-{leaf}") == proofs[0].record
    _, signer = audit_keys(world.hub.settings)
    assert verify_record(file.read(f"proof-{leaf}").decode(), proofs[0].record, [signer.verifier])[0] == leaf
