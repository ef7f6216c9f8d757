"""What of a Patient tells who it is: names, birth, sex, insurance, numbers, where it lives, folded to be compared.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-patient.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.identity import fold
from app.identity.insurance import Insurance, insurances
from fhir.resource import parse
from fhir.spec.identifier_systems import MEMBER_ID, forms

_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_KANA = re.compile(r"[ぁ-ゖァ-ヺーｦ-ﾟ\s　・●]+")
_LATIN = re.compile(r"[A-Za-zÀ-ɏＡ-Ｚａ-ｚ\s　.,'’‐-]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BABY = re.compile(
    r"(?:ベビ[イー]?|ベイビ[イー]?|シンセイジ|アカチヤン|ジヨジ|ダンジ|ニユウジ)(?:[A-Z0-9]|ボ[イウー]+|ガ[イー]*ル)?"
)
_BABY_KANJI = re.compile(r"(?:新生児|赤ちゃん|乳児|男児|女児|ベビー)[A-Z0-9]?|BABY[A-Z0-9]?")
_FORMER_USES = frozenset({"old", "maiden"})
MOST = 8
"""Names, telephones, addresses and numbers of one Patient that are looked at."""

LONGEST = 200
"""Characters of a name, an address or a number that are looked at."""

KEPT_BYTES = 10_000
"""The largest body whose traits are kept."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name in one script, folded; a name of one word has no family name."""

    family: str
    given: str

    @property
    def whole(self) -> str:
        """Family and given name as one."""
        return self.family + self.given


@dataclass(frozen=True, slots=True)
class Traits:
    """What is compared of a Patient."""

    kana: tuple[Name, ...] = ()
    kanji: tuple[Name, ...] = ()
    letters: tuple[frozenset[str], ...] = ()
    former: frozenset[str] = frozenset()
    """Family names that it had before, in kana and in plain kanji."""
    birth: str = ""
    """`YYYY-MM-DD`, or empty when it is not known to the day."""
    sex: str = ""
    insurance: tuple[Insurance, ...] = ()
    numbers: frozenset[tuple[str, str]] = frozenset()
    """(system, value) of other identifiers, the system in its first form."""
    phones: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    newborn: bool = False
    """Whether the given name only stands for one that is not given yet: 〇〇ベビー."""
    multiple: bool = False
    """Whether it is known to be a twin."""


def _list(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, no more than `MOST`; of anything else none."""
    found: list[Mapping[str, Any]] = []
    if isinstance(value, list):
        found += [one for one in value if isinstance(one, dict)]
    return found[:MOST]


def _text(value: object) -> str:
    """Return a text, cut where nothing that is compared goes on; of anything else none."""
    return value[:LONGEST] if isinstance(value, str) else ""


def _words(name: Mapping[str, Any]) -> tuple[str, str]:
    """Return family and given name as written; what is only one word is the given name."""
    given = name.get("given")
    family, rest = _text(name.get("family")), "".join(map(_text, given)) if isinstance(given, list) else ""
    if family or rest:
        return family, rest
    first, _, second = fold.width(_text(name.get("text"))).strip().partition(" ")
    return (first, second) if second else ("", first)


def _script(name: Mapping[str, Any], written: str) -> str:
    kinds = {one.get("valueCode") for one in _list(name.get("extension")) if one.get("url") == _REPRESENTATION}
    if "SYL" in kinds or _KANA.fullmatch(written):
        return "kana"
    return "letters" if "ABC" in kinds or _LATIN.fullmatch(written) else "kanji"


class _Names:
    """Names gathered by script."""

    def __init__(self) -> None:
        self.kana: list[Name] = []
        self.kanji: list[Name] = []
        self.letters: list[frozenset[str]] = []
        self.former: set[str] = set()
        self.newborn = False

    def add(self, name: Mapping[str, Any]) -> None:
        family, given = _words(name)
        if not family + given:
            return
        former = name.get("use") in _FORMER_USES or bool(name.get("period", {}).get("end"))
        script = _script(name, family + given)
        if script == "letters":
            words = fold.letters(f"{family} {given}")
            self.letters += [words] if words and not former else []
            return
        self._add_folded(script, family, given, former=former)

    def _add_folded(self, script: str, family: str, given: str, *, former: bool) -> None:
        folding = fold.kana if script == "kana" else fold.kanji
        made = Name(folding(family), folding(given))
        if former:
            self.former.add(made.family if script == "kana" else fold.plain(made.family))
            return
        # A kana name in the place of the written one (foreigners, infants) is compared as kana.
        (self.kana if script == "kana" else self.kanji).append(made)
        stated = fold.width(given).upper()
        self.newborn |= bool(_BABY.fullmatch(fold.kana(given)) or _BABY_KANJI.fullmatch(stated))


def _numbers(identifiers: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    found = []
    for one in identifiers:
        system, value = _text(one.get("system")), fold.width(_text(one.get("value"))).strip()
        if system and value and forms(system)[0] != MEMBER_ID and "Insur" not in forms(system)[0]:
            found.append((forms(system)[0], value))
    return frozenset(found)


def _written(address: Mapping[str, Any]) -> str:
    if _text(address.get("text")):
        return _text(address.get("text"))
    line = address.get("line")
    lines = "".join(map(_text, line)) if isinstance(line, list) else ""
    return _text(address.get("state")) + _text(address.get("city")) + lines


def traits(patient: Mapping[str, Any]) -> Traits:
    """Return what is compared of a Patient, stored or sent; what is malformed is as if it were not there."""
    names = _Names()
    for one in _list(patient.get("name")):
        names.add(one)
    birth, sex = _text(patient.get("birthDate")), _text(patient.get("gender"))
    identifiers, addresses = _list(patient.get("identifier")), _list(patient.get("address"))
    phones = [fold.phone(_text(one.get("value"))) for one in _list(patient.get("telecom")) if _is_phone(one)]
    lived = [fold.address(_written(one)) for one in addresses]
    return Traits(
        kana=tuple(dict.fromkeys(names.kana)),
        kanji=tuple(dict.fromkeys(names.kanji)),
        letters=tuple(dict.fromkeys(names.letters)),
        former=frozenset(names.former - {""}),
        birth=birth if _DATE.fullmatch(birth) else "",
        sex=sex if sex in ("male", "female") else "",
        insurance=insurances(identifiers),
        numbers=_numbers(identifiers),
        phones=frozenset(phones) - {""},
        postcodes=frozenset(fold.postcode(_text(one.get("postalCode"))) for one in addresses) - {""},
        addresses=frozenset(one for one in lived if len(one) >= 6 and any(c.isdigit() for c in one)),
        newborn=names.newborn,
        multiple=bool(patient.get("multipleBirthBoolean") or patient.get("multipleBirthInteger")),
    )


def traits_of(body: bytes) -> Traits:
    """Return what is compared of a stored Patient: while a Patient is matched the same few are looked at again."""
    return _kept_traits(body) if len(body) <= KEPT_BYTES else traits(parse(body))


@lru_cache(maxsize=2048)
def _kept_traits(body: bytes) -> Traits:
    return traits(parse(body))


def _is_phone(contact: Mapping[str, Any]) -> bool:
    return contact.get("system") in ("phone", "sms", None)
