"""The log is looked through by the tests themselves, when they say so."""

import pytest


@pytest.fixture(autouse=True)
def nobody_else_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audit.desk.watch.EVERY_SECONDS", 3_600.0)
