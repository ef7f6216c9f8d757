import getpass

import pytest

from app.backup.events import _account


def test_a_number_without_a_name_is_an_unknown_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert _account() == "unknown"
