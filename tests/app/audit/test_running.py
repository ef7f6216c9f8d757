"""Starts, stops and changed settings are on record; nothing of a secret is."""

import pytest

from app.audit.running import changes
from app.main import create_app
from app.settings import Settings
from tests.app.audit.test_at_work import recorded

pytestmark = pytest.mark.anyio


async def test_a_start_a_stop_and_what_was_set_otherwise_are_on_record(settings: Settings) -> None:
    changed = settings.model_copy(update={"consent": "implied", "metrics_token": "secret-of-metrics"})
    for chosen in (settings, changed):
        app = create_app(chosen, alone=True)
        async with app.router.lifespan_context(app):
            pass

    events = [one for one in await recorded(settings) if one.interaction in ("start", "stop", "settings")]

    assert [one.interaction for one in events] == ["start", "stop", "settings", "start", "stop"]
    assert events[2].description == "consent: explicit → implied; metrics_token: changed"
    assert all("secret-of-metrics" not in str(one) for one in events)


def test_a_setting_that_came_or_went_is_told() -> None:
    assert changes({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == ["a: 1 → none", "c: none → 3"]
