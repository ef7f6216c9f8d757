"""Accounts: the people who work in the region, and the system clients of its sites.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-practitioner.html
"""

from dataclasses import dataclass
from typing import Literal

from app.demo.sites import Site
from app.demo.terms import STAFF_NUMBER, Json, core, human_name, identifier

Role = Literal["doctor", "nurse", "pharmacist", "clerk", "secretariat", "auditor", "operator"]


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in to the hub."""

    user: str
    """The name they sign in with."""
    role: Role
    family: str
    given: str
    family_kana: str
    given_kana: str
    site: str
    """The slug of the organisation they work for."""
    department: str = "内科"
    """A key of `sites.DEPARTMENTS`; says nothing for an office."""

    @property
    def name(self) -> str:
        """Their name in kanji, as a narrative shows it."""
        return f"{self.family} {self.given}"


@dataclass(frozen=True, slots=True)
class Client:
    """A system that signs in for a site: its record system, gateway or image archive."""

    client_id: str
    site: str
    name: str


ACCOUNTS = (
    Account("demo-doctor-a", "doctor", "相沢", "圭吾", "アイザワ", "ケイゴ", "hospital-a"),
    Account("demo-surgeon-a", "doctor", "藤代", "真澄", "フジシロ", "マスミ", "hospital-a", "外科"),
    Account("demo-ortho-a", "doctor", "風間", "陸", "カザマ", "リク", "hospital-a", "整形外科"),
    Account("demo-obstetrics-a", "doctor", "水城", "晴香", "ミズキ", "ハルカ", "hospital-a", "産婦人科"),
    Account("demo-psychiatry-a", "doctor", "柚木", "朔", "ユノキ", "サク", "hospital-a", "精神科"),
    Account("demo-nurse-a", "nurse", "椎葉", "望", "シイバ", "ノゾミ", "hospital-a"),
    Account("demo-pharmacist-a", "pharmacist", "南雲", "透", "ナグモ", "トオル", "hospital-a"),
    Account("demo-clerk-a", "clerk", "芦田", "美緒", "アシダ", "ミオ", "hospital-a"),
    Account("demo-doctor-b", "doctor", "時任", "賢", "トキトウ", "ケン", "hospital-b"),
    Account("demo-ortho-b", "doctor", "月岡", "篤史", "ツキオカ", "アツシ", "hospital-b", "整形外科"),
    Account("demo-surgeon-b", "doctor", "雨宮", "静", "アマミヤ", "シズカ", "hospital-b", "外科"),
    Account("demo-obstetrics-b", "doctor", "羽生田", "歩", "ハニュウダ", "アユミ", "hospital-b", "産婦人科"),
    Account("demo-pediatrics-b", "doctor", "栗原", "奏", "クリハラ", "カナデ", "hospital-b", "小児科"),
    Account("demo-nurse-b", "nurse", "篠宮", "遥", "シノミヤ", "ハルカ", "hospital-b"),
    Account("demo-pharmacist-b", "pharmacist", "綾部", "渉", "アヤベ", "ワタル", "hospital-b"),
    Account("demo-clerk-b", "clerk", "小暮", "紬", "コグレ", "ツムギ", "hospital-b"),
    Account("demo-doctor-c", "doctor", "川辺", "史郎", "カワベ", "シロウ", "clinic-c"),
    Account("demo-nurse-c", "nurse", "日向野", "咲", "ヒガノ", "サキ", "clinic-c"),
    Account("demo-doctor-d", "doctor", "美空", "朋子", "ミソラ", "トモコ", "clinic-d", "小児科"),
    Account("demo-clerk-d", "clerk", "早乙女", "学", "サオトメ", "マナブ", "clinic-d"),
    Account("demo-doctor-e", "doctor", "東雲", "大地", "シノノメ", "ダイチ", "clinic-e"),
    Account("demo-nurse-e", "nurse", "白鳥", "芽衣", "シラトリ", "メイ", "clinic-e"),
    Account("demo-secretariat", "secretariat", "成瀬", "理", "ナルセ", "オサム", "secretariat"),
    Account("demo-operator", "operator", "有栖川", "巧", "アリスガワ", "タクミ", "secretariat"),
    Account("demo-auditor", "auditor", "六角", "律子", "ロッカク", "リツコ", "audit-office"),
)


HEADS = frozenset({"demo-doctor-a", "demo-doctor-b", "demo-doctor-c", "demo-doctor-d", "demo-doctor-e"})
"""Who heads a site and confirms the rights of its people."""


def clients(sites: tuple[Site, ...]) -> tuple[Client, ...]:
    """Return one system client for each site that sends records: `demo-hospital-a` and so on."""
    return tuple(
        Client(f"demo-{site.slug}", site.slug, f"{site.name} 連携ゲートウェイ")
        for site in sites
        if site.kind != "office"
    )


def staff_number(account: Account) -> str:
    """Return the number an institution knows a member of its staff by: unique among the accounts."""
    return f"D{ACCOUNTS.index(account) + 1:03}"


def practitioner(account: Account, site: Site) -> Json:
    """Return the FHIR Practitioner of an account, without an id."""
    return {
        "resourceType": "Practitioner",
        "meta": {"profile": [core("JP_Practitioner")]},
        "language": "ja",
        "identifier": [identifier(STAFF_NUMBER + site.institution, staff_number(account))],
        "active": True,
        "name": [
            human_name(account.family, account.given, "IDE"),
            human_name(account.family_kana, account.given_kana, "SYL"),
        ],
    }


def logical(account: Account, site: Site) -> Json:
    """Return a reference by identifier, which needs no Practitioner to be there yet."""
    return {
        "type": "Practitioner",
        "identifier": identifier(STAFF_NUMBER + site.institution, staff_number(account)),
        "display": account.name,
    }
