import pytest

from app.audit.desk.names import IMPORTANCE, bears, colleagues, spoken, whose
from app.audit.desk.tables import watched_patient
from fhir.store.labels import ACT_CODE
from tests.desk import Counting, a_known
from tests.portal import an_account
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("title", "family", "same"),
    [
        ("高橋 一郎", "高橋", True),
        ("髙橋　一郎", "高橋", True),
        ("高橋一郎", "高橋", True),
        ("タカハシ イチロウ", "タカハシ", True),
        ("林田 一郎", "林", False),
        ("林田一郎", "林", False),
        ("林 一郎", "林", True),
        ("高橋", "高橋", False),
        ("佐藤 高橋", "高橋", False),
    ],
)
async def test_a_family_name_is_that_before_the_space(title: str, family: str, same: bool) -> None:
    assert bears(title, {family}) is same


def test_a_whole_name_is_compared_in_each_script() -> None:
    assert "山田太郎" in spoken("山田 太郎")
    assert "taro yamada" in spoken("Yamada, Tarō")
    assert spoken("") == frozenset()


async def test_a_patient_is_known_by_names_labels_and_the_list(world: World) -> None:
    plain = await a_known(world)
    star = await a_known(world, extension=[{"url": IMPORTANCE, "valueCodeableConcept": {"coding": [{"code": "VIP"}]}}])
    labelled = await a_known(world, meta={"security": [{"system": ACT_CODE, "code": "CEL"}]})
    employee = await a_known(world, meta={"security": [{"system": ACT_CODE, "code": "EMP"}]})
    listed = await a_known(world, birthDate="1999-09-09", name=[{"family": "別", "given": ["人"]}])
    async with world.hub.database.write() as connection:
        await connection.insert(watched_patient, [(listed.key, 1, "office", "a singer")])

    keys = [one.key for one in (plain, star, labelled, employee, listed)]
    found = await whose(world.hub.database.reader, [*keys, 77])

    assert [found[key].important for key in keys] == ["", "importance", "label", "", "list"]
    assert [found[key].employee for key in keys] == [False, False, False, True, False]
    assert found[plain.key].families == {"山田"}
    assert found[plain.key].wholes == {"山田太郎"}
    assert (found[77].person, found[77].families) == (77, frozenset())
    assert await whose(world.hub.database.reader, []) == {}


async def test_only_the_people_of_the_organisation_are_read(world: World) -> None:
    await an_account(world, "clinic-c", "doctor")
    await an_account(world, "clinic-d", "nurse")
    reader = Counting(world.hub.database.reader)

    await colleagues(reader, {"Organization/clinic-c", ""})
    assert await colleagues(reader, {""}) == {}

    assert reader.rows == [1]


async def test_colleagues_are_the_people_of_an_organisation_but_its_patients(world: World) -> None:
    await an_account(world, "clinic-c", "doctor")
    await an_account(world, "clinic-c", "patient")
    await an_account(world, "clinic-d", "nurse")

    found = await colleagues(world.hub.database.reader, {"Organization/clinic-c"})

    assert any("doctor" in name for name in found["Organization/clinic-c"])
    assert not any("patient" in name for name in found["Organization/clinic-c"])
    assert set(found) == {"Organization/clinic-c"}
