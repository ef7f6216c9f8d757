"""The list of a breach: what 個人情報保護法 wants in the first report, the full report and the notices to persons.

個人情報保護法 第26条, 施行規則 第7条–第10条: health data of one person is enough; a first report (速報) at once, that
is three to five days after it is known, a full one (確報) within 30 days, 60 where somebody meant harm.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from app.access.directory import Organisation
from app.reports.access import Did, did, kinds
from app.reports.affected import MOST_ACCESSES, MOST_NAMED, Affected, Patient, what
from app.reports.names import Known
from app.reports.period import minute
from app.reports.sheet import Cell, Sheet, Table

FIRST_DAYS = 5
FULL_DAYS = 30
FULL_DAYS_MEANT = 60
"""Where somebody meant harm: 施行規則 第7条 3号."""

_FILL_IN = "記入 / fill in"
_DONE = {Did.READ: "閲覧 / read", Did.CHANGED: "変更 / changed", Did.DELETED: "削除 / deleted"}
_BY_HAND = (
    *("原因 / Cause", "二次被害とそのおそれ / Further harm"),
    *(
        "本人への対応 / What was done for the persons",
        "公表 / Publication",
        "再発防止の措置 / Prevention",
        "その他 / Other",
    ),
)
"""What 施行規則 第8条 asks for and no log knows."""


def _kinds(counted: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counted.items()))


def _named(patient: Patient) -> str:
    some = sorted(patient.resources)[:MOST_NAMED]
    left = len(patient.resources) - len(some)
    return " ".join(some) + (f" (+{left})" if left else "")


def _patients(
    found: Affected, person: Mapping[int, int], titles: Mapping[str, str], known: Mapping[int, Known] | None
) -> Table:
    numbers = {one: number for number, one in enumerate(dict.fromkeys(person.values()), start=1)}
    head = ("本人 / Person", "Patient", "保有施設 / Held by", "最初 / First", "最後 / Last", "回数 / Times")
    did_head = tuple(_DONE[one] for one in Did)
    names = ("患者番号 / Numbers", "氏名 / Name", "生年月日 / Born", "住所 / Address", "電話 / Telephone")
    rows: list[Sequence[Cell]] = []
    for one in found.patients.values():
        key = one.key or 0
        number: Cell = numbers.get(person.get(key, 0), "—")
        row: list[Cell] = [
            *(number, one.reference, titles.get(one.holder, one.holder), minute(one.first), minute(one.last)),
            one.did.total(),
            *(one.did[kind] for kind in Did),
            *(_kinds(one.kinds), len(one.resources), _named(one)),
        ]
        if known is not None:
            row += known.get(key, Known()).cells
        rows.append(row)
    rows.sort(key=lambda row: (str(row[0]).rjust(9), row[1]))
    head = (
        *head,
        *did_head,
        "データの種類 / Kinds of data",
        "件数 / Resources",
        "ID",
        *(names if known is not None else ()),
    )
    note = "同じ番号の行は同じ本人 / Rows of one number are one person. —: 記録の詳細は消去済み / details were erased"
    return Table("persons", "影響を受けた本人 / Persons affected", head, rows, note)


def _by(found: Affected, titles: Mapping[str, str]) -> Table:
    head = ("アカウント / Account", "氏名 / Name", "施設 / Site", "システム / Client", "アドレス / Address")
    rows = [
        (*who[:2], titles.get(who[2], who[2]), *who[3:], len(found.whom[who]), count)
        for who, count in found.by.most_common()
    ]
    return Table("by", "誰が / By whom", (*head, "患者 / Patients", "回数 / Times"), rows)


def _accesses(found: Affected, titles: Mapping[str, str]) -> Table:
    head = (
        "日時 / When",
        "アカウント / Account",
        "役割 / Role",
        "施設 / Site",
        "システム / Client",
        "アドレス / Address",
    )
    more = ("目的 / Purpose", "操作 / Did", "操作名 / Interaction", "Patient", "種類 / Kinds", "対象 / What")
    rows = [
        (
            *(minute(one.recorded), one.user or "", one.role or "", titles.get(one.organisation or "", "")),
            *(one.client or "", one.network or "", one.purpose or "", did(one).value, one.interaction),
            *(str(one.patient), " ".join(sorted(kinds(one))), what(one)),
        )
        for one in found.accesses
    ]
    left = found.count - len(rows)
    note = f"ほかに {left} 件 / and {left} more: ask for a shorter period" if left else ""
    return Table("accesses", "アクセス / Accesses", (*head, *more), rows, note)


def _facts(found: Affected, count: int, asked_for: Sequence[tuple[str, str]], noticed: date) -> list[tuple[str, Cell]]:
    every: Counter[str] = Counter()
    done: Counter[Did] = Counter()
    for one in found.patients.values():
        every += one.kinds
        done += one.did
    times = [one.first for one in found.patients.values()] + [one.last for one in found.patients.values()]
    return [
        *asked_for,
        ("本人の数 / Persons", count),
        ("患者(施設ごと) / Patients of sites", len(found.patients)),
        ("アクセス / Accesses", ", ".join(f"{_DONE[one]} {done[one]}" for one in Did)),
        ("最初と最後 / First and last", f"{minute(min(times))} – {minute(max(times))}" if times else "—"),
        ("個人データの項目 / Kinds of data", _kinds(every) or "—"),
        ("成立しなかった試み / Attempts that failed", found.failed),
        ("知った日 / Known since", noticed.isoformat()),
        ("速報の期限 / First report due", (noticed + timedelta(days=FIRST_DAYS)).isoformat()),
        ("確報の期限 / Full report due", (noticed + timedelta(days=FULL_DAYS)).isoformat()),
        ("同、不正の目的 / The same, if harm was meant", (noticed + timedelta(days=FULL_DAYS_MEANT)).isoformat()),
        *((name, _FILL_IN) for name in _BY_HAND),
    ]


def breach(
    found: Affected,
    *,
    region: str,
    made: int,
    asked_for: Sequence[tuple[str, str]],
    noticed: date,
    person: Mapping[int, int],
    sites: Sequence[Organisation],
    known: Mapping[int, Known] | None,
) -> Sheet:
    """Return the list of a breach.

    Args:
        found: What the log says.
        region: The hub's region.
        made: When, in microseconds since 1970 UTC.
        asked_for: Whom and which period the list is about, in words.
        noticed: When the breach was known: terms run from it.
        person: Which person each Patient is, by their keys: Patients of several sites may be one person.
        sites: The organisations of the region.
        known: The names of Patients by their keys; None when the list names nobody.
    """
    titles = {one.reference: one.title for one in sites}
    # Who is in no index, or erased, is counted as a person of its own: none may be missed.
    alone = sum(1 for one in found.patients.values() if one.key is None or one.key not in person)
    return Sheet(
        title="漏えい等の影響一覧 / Persons affected by a breach",
        region=region,
        made=minute(made),
        facts=_facts(found, len(set(person.values())) + alone, asked_for, noticed),
        tables=(_patients(found, person, titles, known), _by(found, titles), _accesses(found, titles)),
        notes=(
            "監査ログによる。要配慮個人情報は一人でも報告の対象 / Off the log. Of health data one person is enough.",
            f"一覧のアクセスは {MOST_ACCESSES} 件まで / At most {MOST_ACCESSES} accesses are listed one by one.",
        ),
    )
