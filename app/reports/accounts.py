"""The list of accounts and clients (アカウント一覧).

安全管理ガイドライン 6.0, 企13 and 企15④; docs/guideline.md, row J1.
"""

from sqlalchemy import func, select

from app.access.person_tables import FOR_EVER, second_factor, standing
from app.access.tables import account, client, organisation
from app.hub import Hub
from app.reports.period import minute, today
from app.reports.sheet import Sheet, Table

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


def _day(instant: int | None) -> str:
    if not instant:
        return ""
    return "—" if instant >= FOR_EVER else today(instant).isoformat()


async def accounts(hub: Hub) -> Sheet:
    """Return the accounts of people and the clients of systems."""
    reader = hub.database.reader
    people = [
        (*row[:4], "停止 / disabled" if row[4] else "", "○" if row[5] else "", *map(_day, row[6:9]), row[9])
        for row in await reader.fetch(_ACCOUNTS, {})
    ]
    head = ("施設 / Site", "ID", "氏名 / Name", "役割 / Role", "状態 / State", "責任者 / Head", "期限 / Until")
    systems = [
        (*row[:7], "○" if row[7] else "", "停止 / disabled" if row[8] else "")
        for row in await reader.fetch(_CLIENTS, {})
    ]
    of_systems = ("施設 / Site", "ID", "名称 / Title", "役割 / Role", "種別 / Kind", "認証 / Authentication")
    return Sheet(
        "アカウント一覧 / Accounts",
        *(hub.settings.region, minute(hub.clock())),
        tables=(
            Table("people", "", (*head, "確認 / Confirmed", "最終 / Last sign-in", "要素 / Factors"), people),
            Table(
                *("systems", "システム / Systems"),
                *((*of_systems, "範囲 / Scopes", "証明書 / Certificate", "状態 / State"), systems),
            ),
        ),
    )
