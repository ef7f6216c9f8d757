import getpass

import pytest

from app.backup.events import account


def test_a_number_without_a_name_is_an_unknownaccount(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nameless)

    assert account() == "unknown"
