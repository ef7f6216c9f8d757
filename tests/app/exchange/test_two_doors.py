"""A site whose system sends messages by a line and writes a store: what is newer holds, whichever came last."""

import pytest

from tests.app.exchange.mllp.test_feed import pid
from tests.app.exchange.mllp.test_feed import send as say
from tests.mllp import speaking
from tests.ssmix2 import a_file, found, send
from tests.world import World

pytestmark = pytest.mark.anyio

SYSTEM = "urn:oid:1.2.392.100495.20.3.51.10110000001"
NUMBER = "0000000101"


async def test_basic_data_of_a_store_take_nothing_away_that_only_others_have_said(world: World) -> None:
    site = await world.client("hospital-a")
    numbers = [{"system": SYSTEM, "value": NUMBER}, {"system": "urn:oid:1.2.3", "value": "7"}]
    languages = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "pt"}]}}]
    said = {
        "identifier": numbers,
        "communication": languages,
        "telecom": [{"system": "email", "value": "a@example.jp"}],
    }
    await world.post(site, {"resourceType": "Patient", **said, "deceasedBoolean": False})

    await send(world, site, a_file("ADT-00", occurred="20200401090000000"))
    (first,) = await found(world, site, "Patient")
    await send(world, site, a_file("ADT-00", occurred="20200402090000000", salt=2))
    (second,) = await found(world, site, "Patient")

    assert first["address"][0]["country"] == "JP"
    for patient in (first, second):
        assert {"system": "urn:oid:1.2.3", "value": "7"} in patient["identifier"]
        assert patient["communication"] == languages
        assert patient["name"]


async def test_a_file_that_is_older_than_a_message_changes_nothing(world: World) -> None:
    site = await world.client("hospital-a")
    async with speaking(world) as line:
        await say(line, "A28", pid(NUMBER, "佐藤^花子"), at="20200402090000")

        assert await send(world, site, a_file("ADT-00", occurred="20200401090000000")) == ["done"]
        (late,) = await found(world, site, "Patient")
        assert await send(world, site, a_file("ADT-00", occurred="20200403090000000")) == ["done"]
        (newer,) = await found(world, site, "Patient")

    assert (late["name"][0]["family"], late["meta"]["versionId"]) == ("佐藤", "1")
    assert newer["name"][0]["family"] != "佐藤"


async def test_a_message_that_is_older_than_a_file_changes_nothing(world: World) -> None:
    site = await world.client("hospital-a")
    await send(world, site, a_file("ADT-00", occurred="20200402090000000"))
    (before,) = await found(world, site, "Patient")

    async with speaking(world) as line:
        taken = await say(line, "A08", pid(NUMBER, "佐藤^花子"), at="20200401090000")
        (late,) = await found(world, site, "Patient")
        await say(line, "A08", pid(NUMBER, "佐藤^花子"), at="20200403090000")
        (newer,) = await found(world, site, "Patient")

    assert taken == ("AA", " 207")
    assert late == before
    assert newer["name"][0]["family"] == "佐藤"
