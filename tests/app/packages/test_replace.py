"""A package takes the place of its older version; the same one again changes nothing."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from app.access import epoch
from app.access.directory import AlreadyThere
from app.audit.record import unseal
from app.audit.tables import audit_record
from app.packages.archive import Package, Resource
from app.packages.load import packages
from app.packages.loaded import PACKAGES
from app.packages.replace import replace
from tests.world import World

pytestmark = pytest.mark.anyio


def a_version(version: str, *contents: str, name: str = "example.master") -> Package:
    resources = [
        Resource("CodeSystem", f"http://example.org/{number}", version, content.encode())
        for number, content in enumerate(contents)
    ]
    return Package(name, version, {}, resources, [])


async def loaded(world: World) -> list[tuple[str, str, int]]:
    found = await packages(world.hub.database.reader)
    return [(one.name, one.version, one.resources) for one in found]


async def put(world: World, package: Package) -> Sequence[str] | None:
    return await replace(world.hub, package, user_name="operator")


async def test_a_newer_version_takes_the_place_of_the_older_one(world: World) -> None:
    await put(world, a_version("20260831", "{}", "{}"))
    await put(world, a_version("1", "{}", name="example.other"))

    instead = await put(world, a_version("20260930", '{"a":1}'))

    assert instead == ["20260831"]
    assert await loaded(world) == [("example.other", "1", 1), ("example.master", "20260930", 1)]


async def test_the_same_again_changes_nothing(world: World) -> None:
    first = await put(world, a_version("5.17", '{"a":1}', '{"a":2}'))
    before = await epoch.value(world.hub.database.reader, PACKAGES)

    again = await put(world, a_version("5.17", '{"a":1}', '{"a":2}'))

    assert (first, again) == ([], None)
    assert await epoch.value(world.hub.database.reader, PACKAGES) == before


async def test_it_is_recorded_with_what_it_took_the_place_of(world: World) -> None:
    for version in ("1", "1", "2"):
        await put(world, a_version(version, "{}"))

    rows = await world.hub.database.reader.fetch(select(audit_record.c.record).order_by(audit_record.c.row), {})
    events = [unseal(bytes(record), world.hub.audit.keys) for (record,) in rows]
    assert [(one.interaction, one.user_name, one.description) for one in events] == [
        ("package-load", "operator", "example.master 1"),
        ("package-load", "operator", "example.master 2 in place of 1"),
    ]


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (a_version("5.9", "{}"), r"example.master 5\.17 is loaded, which is newer than 5\.9"),
        (a_version("5.17", '{"a":2}'), r"example.master 5\.17 is loaded already, with other content"),
        (a_version("5.17", '{"a":1}', "{}"), r"example.master 5\.17 is loaded already, with other content"),
    ],
    ids=["an older one", "another body", "one more"],
)
async def test_an_older_version_and_another_content_are_refused(world: World, package: Package, words: str) -> None:
    await put(world, a_version("5.17", '{"a":1}'))

    with pytest.raises(AlreadyThere, match=words):
        await put(world, package)

    assert await loaded(world) == [("example.master", "5.17", 1)]
