import pytest

from tests.desk import a_known, a_look, looked
from tests.portal import signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("language", "words"), [("ja", ("証人が設定されていません", "残り")), ("en", ("No witness", "to go"))]
)
async def test_the_page_says_how_the_log_stands(world: World, language: str, words: tuple[str, str]) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    await looked(world, a_look(world, patient))
    await world.hub.audit.append([a_look(world, patient)])
    await world.hub.leader.integrate_all()

    page = await auditor.get(f"/audit/state?lang={language}")

    assert page.status_code == 200
    for text in (*words, world.hub.settings.audit_origin):
        assert text in page.text
