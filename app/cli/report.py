"""`renkei report`: documents that the guideline wants of an operator, filled from the running configuration.

安全管理ガイドライン 6.0, 企13 and 企15④; docs/guideline.md, row J1.
"""

import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import click
from sqlalchemy import func, select, text

from app.access.caller import ROLES
from app.access.person_tables import FOR_EVER, second_factor, standing
from app.access.tables import account, client, organisation
from app.audit.running import SECRET
from app.audit.tables import audit_tree
from app.cli.running import opened, synchronous
from app.consent.decide import SEES, SEES_EVERYWHERE, WRITES
from app.db.version import STATED
from app.hub import Hub
from app.portal.roles import PAGES
from app.settings import Settings
from fhir.store.categories import Category

_ACCOUNTS = (
    select(
        *(organisation.c.title, account.c.name, account.c.title, account.c.role, account.c.disabled),
        *(standing.c.head, standing.c.ends, standing.c.confirmed, standing.c.signed_in),
        select(func.count()).where(second_factor.c.account == account.c.key).scalar_subquery(),
    )
    .join(organisation, organisation.c.key == account.c.organisation)
    .join(standing, standing.c.account == account.c.key, isouter=True)
    .order_by(organisation.c.title, account.c.name)
)
_CLIENTS = (
    select(
        *(organisation.c.title, client.c.id, client.c.title, client.c.role, client.c.kind, client.c.authentication),
        *(client.c.scopes, client.c.certificate, client.c.disabled),
    )
    .join(organisation, organisation.c.key == client.c.organisation)
    .order_by(organisation.c.title, client.c.id)
)
_TREE = select(audit_tree.c.size)
_SIZES = {
    "postgresql": text("SELECT current_setting('server_version'), pg_database_size(current_database())"),
    "sqlite": text("SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, pragma_page_size"),
}


@click.group()
def report() -> None:
    """Write documents for the operator from the running configuration, as Markdown."""


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    click.echo(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        click.echo(f"| {' | '.join(_cell(value) for value in row)} |")
    click.echo()


def _title(words: str, hub: Hub) -> None:
    click.echo(f"# {words}\n\n{hub.settings.region}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")


def _day(instant: int | None) -> str:
    if not instant:
        return ""
    return "—" if instant >= FOR_EVER else f"{datetime.fromtimestamp(instant / 1_000_000, UTC):%Y-%m-%d}"


def _shown(settings: Settings) -> list[tuple[str, object, str]]:
    """Return every setting, its value, and whether it is the default; of a secret only whether it is set."""
    found = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = ("set" if value else "") if name in SECRET else "" if value is None else value
        found.append((f"RENKEI_{name.upper()}", shown, "" if value == field.default else "changed"))
    return found


@report.command()
@synchronous
async def system() -> None:
    """List the parts of the system: versions, places, settings (システム構成一覧)."""
    async with opened() as hub:
        reader, dialect = hub.database.reader, hub.database.dialect
        ((number, octets),) = await reader.fetch(_SIZES[dialect], {})
        ((migration,),) = await reader.fetch(STATED, {})
        tree = await reader.fetch(_TREE, {})
        _title("システム構成一覧 / System", hub)
        rows = [
            ("Renkei", version("renkei")),
            ("Python", sys.version.split()[0]),
            ("Operating system", f"{platform.system()} {platform.release()} {platform.machine()}"),
            ("Database", f"{dialect} {number}, {int(octets) // 1_000_000} MB, migration {migration}"),
            ("Audit log", f"{hub.settings.audit_origin}, {tree[0][0] if tree else 0} records"),
        ]
        _table(("部品 / Part", "版 / Version"), rows)
        click.echo("## 設定 / Settings\n")
        _table(("設定 / Setting", "値 / Value", "既定と異なる / Changed"), _shown(hub.settings))


@report.command()
@synchronous
async def accounts() -> None:
    """List the accounts of people and the clients of systems (アカウント一覧)."""
    async with opened() as hub:
        _title("アカウント一覧 / Accounts", hub)
        people = [
            (*row[:4], "停止 / disabled" if row[4] else "", "○" if row[5] else "", *map(_day, row[6:9]), row[9])
            for row in await hub.database.reader.fetch(_ACCOUNTS, {})
        ]
        head = ("施設 / Site", "ID", "氏名 / Name", "役割 / Role", "状態 / State", "責任者 / Head", "期限 / Until")
        _table((*head, "確認 / Confirmed", "最終 / Last sign-in", "要素 / Factors"), people)
        click.echo("## システム / Systems\n")
        systems = [
            (*row[:7], "○" if row[7] else "", "停止 / disabled" if row[8] else "")
            for row in await hub.database.reader.fetch(_CLIENTS, {})
        ]
        of_systems = ("施設 / Site", "ID", "名称 / Title", "役割 / Role", "種別 / Kind", "認証 / Authentication")
        _table((*of_systems, "範囲 / Scopes", "証明書 / Certificate", "状態 / State"), systems)


@report.command()
@synchronous
async def rights() -> None:
    """List what each role sees, writes and opens (権限一覧)."""
    async with opened() as hub:
        _title("権限一覧 / Rights", hub)
        rows = []
        for category in Category:
            marks = []
            for role in ROLES:
                sees, writes = SEES.get(role, 0) >> category & 1, WRITES.get(role, 0) >> category & 1
                everywhere = SEES_EVERYWHERE.get(role, 0) >> category & 1
                marks.append(("全 " if everywhere else "読 " if sees else "") + ("書" if writes else ""))
            rows.append((category.name.lower().replace("_", "-"), *marks))
        _table(("種類 / Kind", *ROLES), rows)
        click.echo(
            "読: sees, of the own site and of others as consent opens it. 全: sees, of every site. 書: writes, for the "
            "own site.\n\n## 画面 / Pages\n"
        )
        _table(
            ("画面 / Page", *ROLES),
            [(page, *("○" if role in of else "" for role in ROLES)) for page, of in PAGES.items()],
        )


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
        ("時刻同期 / Time synchronised", "記入 / fill in", "the machine's"),
        ("保存データの暗号化 / Encrypted at rest", "記入 / fill in", "the disk's; details of the log are"),
    ]


@report.command()
@synchronous
async def mds() -> None:
    """Draft the MDS/SDS sheet (医療情報セキュリティ開示書), as far as the configuration answers it."""
    async with opened() as hub:
        _title("MDS/SDS (draft)", hub)
        click.echo(f"Renkei {version('renkei')}. Check each answer, complete and sign.\n")
        _table(("項目 / Item", "回答 / Answer", "備考 / Note"), _answers(hub.settings))
