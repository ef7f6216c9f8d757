"""The list of rights (権限一覧): what each role sees, writes and opens.

安全管理ガイドライン 6.0, 企13 and シス14⑤; docs/guideline.md, row J1.
"""

from app.access.caller import ROLES, Role
from app.consent.decide import SEES, SEES_EVERYWHERE, WRITES
from app.hub import Hub
from app.portal.roles import PAGES
from app.reports.period import minute
from app.reports.sheet import Sheet, Table
from fhir.store.categories import Category

_NOTE = (
    "読: sees, of the own site and of others as consent opens it. 全: sees, of every site. 書: writes, for its site."
)


def _marks(role: Role, category: Category) -> str:
    sees, writes = SEES.get(role, 0) >> category & 1, WRITES.get(role, 0) >> category & 1
    everywhere = SEES_EVERYWHERE.get(role, 0) >> category & 1
    return ("全 " if everywhere else "読 " if sees else "") + ("書" if writes else "")


async def rights(hub: Hub) -> Sheet:
    """Return what each role sees, writes and opens."""
    kinds = [
        (category.name.lower().replace("_", "-"), *(_marks(role, category) for role in ROLES)) for category in Category
    ]
    pages = [(page, *("○" if role in of else "" for role in ROLES)) for page, of in PAGES.items()]
    return Sheet(
        "権限一覧 / Rights",
        *(hub.settings.region, minute(hub.clock())),
        tables=(
            Table("kinds", "", ("種類 / Kind", *ROLES), kinds, _NOTE),
            Table("pages", "画面 / Pages", ("画面 / Page", *ROLES), pages),
        ),
    )
