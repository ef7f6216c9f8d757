"""`renkei retention`: shows what would go, then removes it; without a rule nothing goes."""

import pytest

from tests.app.cli.conftest import Renkei


def test_nothing_goes_without_a_rule(renkei: Renkei) -> None:
    for verb in (("list",), ("remove", "--yes")):
        answer = renkei("retention", *verb)

        assert answer.exit_code == 1
        assert "RENKEI_RETENTION" in answer.output


def test_a_wrong_rule_is_named(renkei: Renkei, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import settings

    monkeypatch.setenv("RENKEI_RETENTION", "Patient=5y")
    settings.cache_clear()

    answer = renkei("retention", "list")

    assert answer.exit_code == 1
    assert "Patient" in answer.output


def test_a_hub_with_nothing_to_remove_says_so(renkei: Renkei, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import settings

    monkeypatch.setenv("RENKEI_RETENTION", "problem=5y, laboratory=1y+3")
    settings.cache_clear()

    assert "0 resources would go" in renkei("retention", "list", "--each").output
    assert "0 resources are removed" in renkei("retention", "remove", "--yes").output
    assert renkei("retention", "remove", "--help").exit_code == 0
