"""`renkei report`: documents filled from the running configuration; no secret is in them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

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


@pytest.mark.parametrize("name", ["system", "accounts", "rights", "mds"])
def test_each_is_written_in_every_form_and_on_record(hospital: Renkei, name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.pdf"

    page = hospital("report", name, "--format", "html").output
    table = hospital("report", name, "--format", "csv").output
    paper = hospital("report", name, "--format", "pdf", "--output", str(file))

    assert "<h1>" in page
    assert table.startswith("\ufeff")
    assert paper.exit_code == 0, paper.output
    assert file.read_bytes().startswith(b"%PDF-")


def test_a_month_is_counted_for_a_site(hospital: Renkei, tmp_path: Path) -> None:
    month = f"{datetime.now(UTC) + timedelta(hours=9):%Y-%m}"
    file = tmp_path / "month.pdf"

    text = hospital("report", "month", "--site", "hospital-a", "--month", month).output
    lines = hospital("report", "month", "--month", month, "--format", "csv").output
    paper = hospital("report", "month", "--month", month, "--format", "pdf", "--output", str(file))

    assert f"- 月 / Month: {month} (途中 / so far)" in text
    assert "- 施設 / Site: hospital-a" in text
    assert "sign-in-failed,同、失敗 / Sign-ins that failed,0,0" in lines
    assert paper.exit_code == 0, paper.output
    assert file.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--month", "2026-13"), "2026-04"),
        (("--month", "2026-04", "--site", "nowhere"), "nowhere"),
        (("--month", "2026-04", "--format", "csv", "--table", "nothing"), "counts"),
    ],
)
def test_a_month_that_cannot_be_counted_is_said(hospital: Renkei, options: tuple[str, ...], said: str) -> None:
    answer = hospital("report", "month", *options)

    assert answer.exit_code == 1
    assert said in answer.output


def test_a_pdf_without_a_font_says_which_is_missing(
    renkei: Renkei, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from app.settings import settings

    monkeypatch.setenv("RENKEI_REPORT_FONT", str(tmp_path / "gone.ttf"))
    settings.cache_clear()

    answer = renkei("report", "system", "--format", "pdf")

    assert answer.exit_code == 1
    assert "gone.ttf" in answer.output
