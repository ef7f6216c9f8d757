"""The monthly report of a site, from what was counted."""

from collections.abc import Mapping, Sequence

from app.access.directory import Organisation
from app.reports.monthly import LINES, Month
from app.reports.period import minute
from app.reports.sheet import Cell, Sheet, Table

_TITLES: Mapping[str, str] = {
    "own": "自施設の記録の閲覧 / Own records read",
    "given": "他施設への開示 / Disclosed to other sites",
    "taken": "他施設の記録の閲覧 / Records of other sites read",
    "on-behalf": "事務局などによる閲覧 / Read on the sites' behalf",
    "changed": "記録の登録・変更 / Records written",
    "deleted": "記録の削除 / Records deleted",
    "failed": "成立しなかった要求 / Requests that failed",
    "refused": "拒否 / Refused",
    "printed": "印刷 / Printed",
    "break-glass": "緊急時の開示 / Break-glass",
    "break-glass-review": "同、確認 / Its reviews",
    "sign-in": "サインイン / Signed in",
    "sign-in-failed": "同、失敗 / Sign-ins that failed",
    "consent": "同意の登録・変更 / Consents written",
    "linked": "名寄せ / Patients linked",
    "accounts": "アカウントと権限 / Accounts and rights",
}
_OF_ACCOUNTS = ("sign-in", "sign-in-failed", "own", "taken", "changed", "deleted", "refused", "failed", "break-glass")


def _counts(found: Month) -> Table:
    head = ("code", "項目 / Line", "回数 / Times", "患者 / Patients")
    rows = [(line, _TITLES[line], found.counts[line], len(found.patients.get(line, ()))) for line in LINES]
    return Table("counts", "件数 / Counts", head, rows)


def _others(found: Month, titles: Mapping[str, str]) -> Table:
    head = ("施設 / Site", _TITLES["given"], _TITLES["taken"])
    rows = [
        (titles.get(one, one or "—"), counted["given"], counted["taken"])
        for one, counted in sorted(found.others.items(), key=lambda pair: -pair[1].total())
    ]
    return Table("sites", "施設ごと / By site", head, rows)


def _accounts(found: Month, titles: Mapping[str, str]) -> Table:
    head = ("アカウント / Account", "氏名 / Name", "役割 / Role", "システム / Client", "施設 / Site", "患者 / Patients")
    rows: list[Sequence[Cell]] = [
        (
            *(user or "—", one.name, one.role, client, titles.get(one.site, one.site), len(one.patients)),
            *(one.counts[line] for line in _OF_ACCOUNTS),
        )
        for (user, client), one in sorted(found.accounts.items())
    ]
    return Table("accounts", "アカウントごと / By account", (*head, *(_TITLES[line] for line in _OF_ACCOUNTS)), rows)


def _emergencies(found: Month, titles: Mapping[str, str]) -> Table:
    head = ("日時 / When", "アカウント / Account", "氏名 / Name", "施設 / Site", "Patient", "理由 / Reason")
    rows = [
        (
            *(minute(one.recorded), one.user or "", one.user_name or ""),
            *(titles.get(one.organisation or "", ""), one.patient or "", one.description or ""),
        )
        for one in reversed(found.emergencies)
    ]
    return Table("break-glass", _TITLES["break-glass"], head, rows)


def month(found: Month, *, region: str, made: int, text: str, sites: Sequence[Organisation], so_far: bool) -> Sheet:
    """Return the report of a month.

    Args:
        found: What was counted.
        region: The hub's region.
        made: When, in microseconds since 1970 UTC.
        text: The month: `2026-04`.
        sites: The organisations of the region.
        so_far: Whether the month is not over.
    """
    titles = {one.reference: one.title for one in sites}
    return Sheet(
        title=f"月次報告 {text} / Monthly report",
        region=region,
        made=minute(made),
        facts=(
            ("施設 / Site", titles.get(found.site, found.site) or "全施設 / all"),
            ("月 / Month", text + (" (途中 / so far)" if so_far else "")),
            ("確認者 / Looked at by", ""),
            ("所見 / Remarks", ""),
        ),
        tables=(
            *(_counts(found), *((_others(found, titles),) if found.site else ())),
            *(_accounts(found, titles), _emergencies(found, titles)),
        ),
        notes=("監査ログによる。月は日本時間 / Off the audit log; months are those of Japan.",),
    )
