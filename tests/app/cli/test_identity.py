import anyio
import orjson
import pytest

from app.access.directory import find_organisation
from app.lifecycle import open_hub
from app.records.inside import write_new_as
from app.settings import Settings
from tests.app.cli.conftest import Renkei
from tests.identity import someone


@pytest.fixture
def region(hospital: Renkei) -> Renkei:
    """The same, with a secretariat."""
    hospital("organisation", "add", "secretariat", "--title", "事務局", "--kind", "secretariat")
    return hospital


async def _add(settings: Settings) -> list[str]:
    """Add the same man at two sites, as far as name and birth date tell, and return the Patients' ids."""
    hub = await open_hub(settings)
    hub.audit.start()
    found = []
    for slug, phone in (("hospital-a", "011-222-3456"), ("clinic-c", "090-1111-2222")):
        organisation = await find_organisation(hub.database.reader, slug)
        stored = await write_new_as(hub, organisation, orjson.dumps(someone(phone=phone)))
        found.append(stored.id)
    await hub.close()
    return found


def test_the_queue_is_listed_explained_and_decided(region: Renkei, settings: Settings) -> None:
    one, other = anyio.run(_add, settings)

    waiting = region("identity", "queue")
    explained = region("identity", "explain", one, other)
    linked = region("identity", "link", one, other, "--reason", "asked him")
    after = region("identity", "queue")
    shown = region("identity", "show", one)

    assert waiting.stdout.startswith(
        f"probable\t31\t-\n  Patient/{one}\t髙橋喜一郎 タカハシキイチロウ\t1951-03-08\tmale\n"
    )
    assert explained.stdout.splitlines() == [
        *("+12\tbirth.same", "+1\tsex.same", "+10\tkana.same", "+8\tkanji.same", "+31\tprobable"),
    ]
    assert linked.stdout == f"Linked Patient/{one} and Patient/{other}\n"
    assert after.stdout == ""
    assert f"Patient/{other}" in shown.stdout
    assert shown.stdout.splitlines()[-1].split("\t")[2::2] == ["link", "asked him"]


def test_links_are_undone_broken_and_forbidden(region: Renkei, settings: Settings) -> None:
    one, other = anyio.run(_add, settings)
    region("identity", "link", one, other, "--reason", "asked him")
    event = region("identity", "show", one).stdout.splitlines()[-1].split("\t")[0]

    undone = region("identity", "undo", event, "--reason", "the wrong one")
    again = region("identity", "link", one, other, "--reason", "after all")
    allowed = region("identity", "allow", one, other, "--reason", "after all")
    region("identity", "link", one, other, "--reason", "after all")
    broken = region("identity", "break", other, "--reason", "no")
    region("identity", "allow", one, other, "--reason", "to say so again")
    never = region("identity", "never", one, other, "--reason", "brothers")

    assert undone.stdout == f"Took event {event} back\n"
    assert (again.exit_code, again.stderr) == (
        1,
        "Error: These are known to be different persons: allow the link first\n",
    )
    assert allowed.exit_code == broken.exit_code == never.exit_code == 0
    assert region("identity", "show", one).stdout.count("Patient/") == 1
    assert region("identity", "show", "nobody").exit_code == 1


def test_a_rebuild_counts_patients(region: Renkei, settings: Settings) -> None:
    anyio.run(_add, settings)

    done = region("identity", "rebuild")

    assert done.exit_code == 0
    assert "2 Patients, 0 of them linked" in done.stderr


def test_there_is_nobody_to_decide_without_a_secretariat(hospital: Renkei) -> None:
    refused = hospital("identity", "queue")

    assert refused.exit_code == 1
    assert "no secretariat" in refused.stderr
