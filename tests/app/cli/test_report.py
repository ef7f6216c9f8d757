"""`renkei report`: documents filled from the running configuration; no secret is in them."""

import pytest

from tests.app.cli.conftest import Renkei


def test_the_system_is_listed_with_its_settings(renkei: Renkei, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import settings

    monkeypatch.setenv("RENKEI_METRICS_TOKEN", "secret-of-metrics")
    monkeypatch.setenv("RENKEI_CONSENT", "implied")
    settings.cache_clear()

    shown = renkei("report", "system").output

    assert "| RENKEI_CONSENT | implied | changed |" in shown
    assert "| RENKEI_METRICS_TOKEN | set | changed |" in shown
    assert "| RENKEI_PORT | 8080 |  |" in shown
    assert "secret-of-metrics" not in shown
    assert "migration" in shown


def test_accounts_and_clients_are_listed(hospital: Renkei) -> None:
    added = hospital(
        *("user", "add", "dr-sato", "--title", "佐藤", "--organisation", "hospital-a", "--role", "doctor"),
        input="Sapporo-2026-snow\nSapporo-2026-snow\n",
    )
    assert added.exit_code == 0, added.output

    shown = hospital("report", "accounts").output

    assert "| hospital-a | dr-sato | 佐藤 | doctor |" in shown
    assert "## システム / Systems" in shown


def test_rights_are_those_that_hold(renkei: Renkei) -> None:
    lines = renkei("report", "rights").output.splitlines()

    head = next(line for line in lines if line.startswith("| 種類")).split(" | ")
    consent = next(line for line in lines if line.startswith("| consent ")).split(" | ")
    marks = dict(zip(head[1:], consent[1:], strict=True))
    assert (marks["doctor"].strip(), marks["secretariat"].strip(), marks["auditor"].strip()) == ("読 書", "全 書", "")
    assert any(line.startswith("| audit |") and "○" in line for line in lines)


def test_the_sheet_answers_from_the_settings(renkei: Renkei, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.settings import settings

    monkeypatch.setenv("RENKEI_CLAMD", "/run/clamd.socket")
    monkeypatch.setenv("RENKEI_SECOND_FACTOR", "optional")
    settings.cache_clear()

    shown = renkei("report", "mds").output

    assert "| マルウェア検査 / Malware scan | はい / yes | /run/clamd.socket |" in shown
    assert "| 二要素認証か / Two factors | いいえ / no | optional |" in shown
    assert "記入 / fill in" in shown
