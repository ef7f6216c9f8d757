"""A draft of the MDS/SDS sheet (医療情報セキュリティ開示書), as far as a configuration answers it.

The sheet itself is JAHIS's and JIRA's; docs/guideline.md, row J1.
"""

from importlib.metadata import version

from app.hub import Hub
from app.reports.period import minute
from app.reports.sheet import Sheet, Table
from app.settings import Settings


def _answers(settings: Settings) -> list[tuple[str, str, str]]:
    """Return the questions of an MDS/SDS sheet that a configuration answers, each with its answer and a note."""

    def answer(*, holds: object) -> str:
        return "はい / yes" if holds else "いいえ / no"

    scanned = settings.clamd or "clamd is not set"
    handed = " ".join(one for one in (settings.audit_syslog, settings.audit_feed) if one) or "nowhere else"
    tls = "the hub" if settings.tls_certificate else "a reverse proxy"
    return [
        (
            "個人情報を保存するか / Is personal information kept",
            answer(holds=True),
            "resources, images, documents, log",
        ),
        ("利用者を識別し認証するか / Are users identified", answer(holds=True), "one account a person"),
        ("二要素認証か / Two factors", answer(holds=settings.second_factor == "required"), settings.second_factor),
        ("パスワードの最小文字数 / Shortest password", str(settings.password_length), ""),
        ("自動ログオフ / Automatic lock", answer(holds=True), f"{settings.session_minutes} minutes"),
        ("連続失敗で停止 / Lockout", answer(holds=True), f"after {settings.password_attempts} wrong passwords"),
        ("監査ログ / Audit log", answer(holds=True), "every access, before the answer"),
        ("ログの改ざん検知 / Tampering shows", answer(holds=True), "signed tree, offline proof"),
        ("ログの外部転送 / Log sent elsewhere", answer(holds=settings.audit_syslog or settings.audit_feed), handed),
        ("通信の暗号化 / Encrypted transport", answer(holds=settings.address.startswith("https")), f"TLS by {tls}"),
        ("クライアント証明書 / Client certificates", answer(holds=settings.client_authority), "or by the proxy"),
        ("マルウェア検査 / Malware scan", answer(holds=settings.clamd), scanned),
        ("実行形式・マクロの拒否 / Programs refused", answer(holds=settings.active_content == "refuse"), ""),
        ("バックアップの暗号化 / Encrypted backups", answer(holds=True), "renkei backup"),
        ("遠隔保守 / Remote maintenance", "記入 / fill in", "the operator's"),
        (
            "時刻同期の確認 / Clock checked",
            answer(holds=settings.ntp_servers),
            settings.ntp_servers or "the machine synchronises its clock; RENKEI_NTP_SERVERS lets the hub check it",
        ),
        ("保存データの暗号化 / Encrypted at rest", "記入 / fill in", "the disk's; details of the log are"),
    ]


async def mds(hub: Hub) -> Sheet:
    """Return a draft of the MDS/SDS sheet."""
    return Sheet(
        "MDS/SDS (draft)",
        *(hub.settings.region, minute(hub.clock())),
        tables=(Table("answers", "", ("項目 / Item", "回答 / Answer", "備考 / Note"), _answers(hub.settings)),),
        notes=(f"Renkei {version('renkei')}. Check each answer, complete and sign.",),
    )
