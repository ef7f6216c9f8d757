"""People: the persons of the region, and the patients that its sites know them as.

A person is known at one to three sites, at each under another number and often written another way: the
facts that patient matching has to cope with. `Person.patients` is the truth that a matcher can be
measured by.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.demo.households import ROWS, Row, Sex
from app.demo.seeds import draw

Writing = Literal["plain", "old", "kana", "wide", "half", "moved", "insurer"]
"""How a site writes a person: as the household register does, in 旧字, in kana only, with full-width
digits, with half-width kana, with the former address, with the former insurer."""

DISTRICTS = ("中央通", "白樺台", "川辺町", "美空が丘", "東雲通", "若緑町", "丘の上南")

_WIDE = {digit: digit + 0xFEE0 for digit in (*range(ord("0"), ord("9") + 1), ord("-"))}
_HALF = {
    unicodedata.normalize("NFKC", chr(kana) + mark): chr(kana) + mark
    for mark in ("\uff9f", "\uff9e", "")
    for kana in range(0xFF66, 0xFF9E)
    if len(unicodedata.normalize("NFKC", chr(kana) + mark)) == 1
}


@dataclass(frozen=True, slots=True)
class SitePatient:
    """A person as one site knows them."""

    person: str
    site: str
    number: str
    """The patient number within the site."""
    writing: Writing
    family: str | None
    """None where the site knows the kana only; `given` likewise."""
    given: str | None
    family_kana: str
    given_kana: str
    sex: Sex
    birth: date
    address: str
    postal_code: str
    phone: str
    insurance: str
    """保険者番号:記号:番号:枝番, the form of JP_Insurance_memberID."""


@dataclass(frozen=True, slots=True)
class Person:
    """One human being, and every patient of the region that is them."""

    slug: str
    story: str
    """The name of the clinical story that their records tell: a key of `stories.STORIES`."""
    household: str
    sex: Sex
    birth: date
    patients: tuple[SitePatient, ...]
    """At least one; the first is the site that knows them best."""

    def at(self, site: str) -> SitePatient | None:
        """Return the patient they are at a site, if that site knows them."""
        return next((patient for patient in self.patients if patient.site == site), None)


def people(seed: int) -> tuple[Person, ...]:
    """Return everybody of the region, in the order of `households.ROWS`."""
    return tuple(_person(seed, row) for row in ROWS)


def _person(seed: int, row: Row) -> Person:
    patients = tuple(_patient(seed, row, site, writing) for site, writing in row.sites)
    return Person(row.slug, row.story, row.household, row.sex, row.birth, patients)


def _patient(seed: int, row: Row, site: str, written: str) -> SitePatient:
    writing: Writing = written or "plain"  # type: ignore[assignment]  # the table's words, held by a test
    family = row.old_family if writing == "old" else row.family
    kana_only = writing in ("kana", "half")
    family_kana, given_kana = row.family_kana, row.given_kana
    if writing == "half":
        family_kana, given_kana = _half(family_kana), _half(given_kana)
    insurance = _insurance(seed, row, former=writing == "insurer")
    address, postal_code = _address(seed, row, former=writing == "moved")
    phone = _phone(seed, row)
    if writing == "wide":
        # The insurer's number and the 枝番 stay in half width: JP_Insurance_memberID asks for ASCII
        # digits there.
        insurer, symbol, number, branch = insurance.split(":")
        insurance = f"{insurer}:{symbol.translate(_WIDE)}:{number.translate(_WIDE)}:{branch}"
        address, phone = address.translate(_WIDE), phone.translate(_WIDE)
    return SitePatient(
        row.slug,
        site,
        _number(seed, row, site),
        writing,
        None if kana_only else family,
        None if kana_only else row.given,
        family_kana,
        given_kana,
        row.sex,
        row.birth,
        address,
        postal_code,
        phone,
        insurance,
    )


def _half(kana: str) -> str:
    return "".join(_HALF.get(letter, letter) for letter in kana)


def _number(seed: int, row: Row, site: str) -> str:
    # The stride keeps numbers of one site apart; hospitals count in eight digits, clinics in six.
    step = ROWS.index(row) * 89 + draw(seed, "number", row.slug, site).randrange(89)
    start = draw(seed, "number", site).randrange(100, 900)
    return f"{start * 10_000 + step:08}" if site.startswith("hospital") else f"{start * 100 + step:06}"


def _insurance(seed: int, row: Row, *, former: bool) -> str:
    household = "former" if former else "now"
    choice = draw(seed, "insurance", household, row.household)
    number = choice.randrange(100, 999)
    if row.birth <= date(1951, 4, 1) and not former:
        # 後期高齢者医療: from 75 everybody has an insurer of their own kind, no symbol and a number of
        # their own.
        own = draw(seed, "insurance", row.slug).randrange(10_000_000, 99_999_999)
        return f"39019999::{own}:"
    symbol = choice.choice(("北緑", "きみ", "川12", "東7"))
    insurer = choice.choice(("06019998", "00019995", "01019997"))
    branch = [other.slug for other in ROWS if other.household == row.household].index(row.slug) + 1
    return f"{insurer}:{symbol}:{number}:{branch:02}"


def _address(seed: int, row: Row, *, former: bool) -> tuple[str, str]:
    choice = draw(seed, "address", "former" if former else "now", row.household)
    district = choice.randrange(len(DISTRICTS))
    house = f"{choice.randrange(1, 9)}-{choice.randrange(1, 30)}-{choice.randrange(1, 20)}"
    return f"北海道北緑市{DISTRICTS[district]}{house}", f"000-00{district + 10}"


def _phone(seed: int, row: Row) -> str:
    # No exchange begins with 0 or 1 in Japan: neither 0157-0x nor 090-0xxx can ring anywhere.
    choice = draw(seed, "phone", row.household)
    if row.birth.year < 1970:
        return f"0157-0{choice.randrange(1, 9)}-{choice.randrange(10_000):04}"
    return f"090-0{choice.randrange(1_000):03}-{choice.randrange(10_000):04}"
