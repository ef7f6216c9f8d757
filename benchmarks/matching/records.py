"""The records that five sites have of made-up people: each site's way of writing, and its errors.

Shares of records, and where they come from. Discrepancies of fields: Just, Marc, Munns and Sandefer (2016), who found
misspellings and exchanged names to be most of the differences of names; kanji that cannot be written and small kana
written large: 保団連's surveys of online checks (2023). Where no figure is published they are assumptions, on the high
side.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.matching.names import plain, respelt, variant
from benchmarks.matching.people import THIS_YEAR, YEARS, Person, State

SITES = ("0111000001", "0111000002", "0111000003", "0112000004", "0112000005")
HOW_MANY_SITES = ((1, 2, 3, 4, 5), (36, 32, 18, 9, 5))
"""Sites that know a person, and how often of 100."""

TWICE = 0.006
"""Of records: the site has the person a second time, under another number."""

ERRORS = {
    "kana mistyped": 0.010,
    "kanji of the same sound": 0.010,
    "kana read otherwise": 0.004,
    "kanji unknown": 0.010,
    "another form of a kanji": 0.15,
    "names exchanged": 0.002,
    "birth date mistyped": 0.005,
    "wrong sex": 0.002,
    "no kana": 0.01,
    "no kanji": 0.02,
    "no sex": 0.004,
    "no telephone": 0.12,
    "no address": 0.06,
    "no postcode": 0.10,
    "no insurance": 0.22,
    "no branch": 0.22,
    "telephone of the house": 0.45,
    "newborn without a name": 0.5,
}
"""By what is wrong, the share of the records that it can befall."""

AGE_YEARS = 1.6
"""How old the facts of a record are in the mean: sites ask at a visit, not when somebody moves."""

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
MEMBER_ID = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
_KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン"
_LARGE = str.maketrans("ァィゥェォッャュョ", "アイウエオツヤユヨ")
_WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")
_HALF = dict(
    zip(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォッャュョー",
        "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｯｬｭｮｰ",
        strict=True,
    )
)
_VOICED = dict(zip("ガギグゲゴザジズゼゾダヂヅデドバビブベボ", "カキクケコサシスセソタチツテトハヒフヘホ", strict=True))
_PLOSIVE = dict(zip("パピプペポ", "ハヒフヘホ", strict=True))


@dataclass(frozen=True, slots=True)
class Record:
    """A site's record of a person."""

    site: int
    person: int
    patient: dict[str, Any]
    errors: tuple[str, ...]


def half_width(text: str) -> str:
    """Return katakana in half width, with its marks as characters of their own."""
    found = ""
    for one in text:
        base, mark = (_VOICED[one], "ﾞ") if one in _VOICED else (_PLOSIVE[one], "ﾟ") if one in _PLOSIVE else (one, "")
        found += _HALF.get(base, base) + mark
    return found


def hiragana(text: str) -> str:
    """Return katakana as hiragana."""
    return "".join(chr(ord(one) - 0x60) if "ァ" <= one <= "ヴ" else one for one in text)


def _mistyped(text: str, letters: str, chance: random.Random) -> str:
    """Return `text` with one character wrong, missing, twice, or exchanged with its neighbour."""
    at, way = chance.randrange(len(text)), chance.randrange(4)
    if way == 0 or len(text) < 3:
        return text[:at] + chance.choice(letters) + text[at + 1 :]
    if way == 1:
        return text[:at] + text[at + 1 :]
    if way == 2:
        return text[: at + 1] + text[at:]
    at = min(at, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _wrong_date(date: str, chance: random.Random) -> str:
    year, month, day = (int(part) for part in date.split("-"))
    way = chance.randrange(4)
    if way == 0:
        # A digit, or the era: 昭和 for 平成, 大正 for 昭和.
        year += chance.choice((-10, -1, 1, 10, -63, -14))
    elif way == 1:
        month = month % 12 + 1
    elif way == 2 and day <= 12:
        month, day = day, month
    else:
        day = chance.choice([one for one in range(1, 29) if one != day])
    return f"{year}-{month:02d}-{day:02d}"


class _Clerk:
    """Somebody at a site who writes down one person, with the errors that befall it."""

    def __init__(self, person: Person, site: int, chance: random.Random) -> None:
        self.person, self.site, self.chance = person, site, chance
        self.state: State = person.states[min(YEARS, int(chance.expovariate(1 / AGE_YEARS)))]
        self.errors: list[str] = []

    def errs(self, what: str) -> bool:
        """Return whether an error befalls the record."""
        if self.chance.random() >= ERRORS[what]:
            return False
        self.errors.append(what)
        return True

    def names(self) -> list[dict[str, Any]]:
        """Return the names, in the site's way of writing."""
        person, state, chance = self.person, self.state, self.chance
        kanji, kana = [state.surname.kanji, person.given.kanji], [state.surname.kana, person.given.kana]
        infant = person.birth[:4] == str(THIS_YEAR) and not person.latin
        if infant and self.errs("newborn without a name"):
            kanji[1] = kana[1] = "ベビー"
        elif not person.latin:
            self._spoil(kanji, kana)
        if self.errs("kana mistyped"):
            which = chance.randrange(2)
            kana[which] = _mistyped(kana[which], _KANA, chance) or kana[which]
        if self.errs("names exchanged"):
            kanji, kana = kanji[::-1], kana[::-1]
        found = [self._name(kanji, "IDE"), self._name([self._kana(part) for part in kana], "SYL")]
        if person.latin and self.site in (0, 3):
            found = [self._name([kana[0], kana[1]], "SYL")] if chance.random() < 0.3 else found
        elif self.errs("no kana"):
            found = found[:1]
        elif self.errs("no kanji"):
            found = found[1:]
        if person.maiden and state.surname != person.maiden and self.site == 0 and chance.random() < 0.4:
            found.append({"use": "maiden", "family": person.maiden.kanji})
        return found

    def _spoil(self, kanji: list[str], kana: list[str]) -> None:
        chance = self.chance
        if self.errs("another form of a kanji"):
            kanji[0] = variant(kanji[0], chance)
        if self.site in (1, 4):
            kanji[:] = [plain(part) for part in kanji]
        if self.errs("kanji of the same sound"):
            kanji[1] = respelt(chance, self.person.given, self.person.sex)
        if self.errs("kanji unknown"):
            which = chance.randrange(2)
            at = chance.randrange(len(kanji[which]))
            kanji[which] = kanji[which][:at] + "●" + kanji[which][at + 1 :]
        if self.errs("kana read otherwise"):
            kana[1] = chance.choice(("ヒロシ", "ユウコ", "アキ", "マサ", "トモコ", "カズ", "ジュン", "ヨシ"))

    def _kana(self, text: str) -> str:
        if self.site == 1:
            return half_width(text)
        if self.site == 2:
            return hiragana(text)
        return text.translate(_LARGE) if self.site == 3 else text

    def _name(self, parts: list[str], kind: str) -> dict[str, Any]:
        if self.site == 1:
            return {"text": " ".join(parts)}
        made: dict[str, Any] = {"family": parts[0], "given": [parts[1]]}
        if self.site != 4:
            made["extension"] = [{"url": REPRESENTATION, "valueCode": kind}]
        return made

    def insurance(self) -> list[dict[str, str]]:
        """Return the identifier of the insurance, if it is written down."""
        if self.errs("no insurance"):
            return []
        policy = self.state.policy
        number, branch = policy.number, "" if self.errs("no branch") else policy.branch
        if self.site in (2, 3):
            number = number.translate(_WIDE)
        return [{"system": MEMBER_ID, "value": f"{policy.insurer}:{policy.symbol}:{number}:{branch}"}]

    def telephone(self) -> list[dict[str, str]]:
        """Return a telephone number: the person's own or the household's."""
        if self.errs("no telephone"):
            return []
        number = self.state.mobile
        if not number or self.errs("telephone of the house"):
            number = self.state.home.phone
        cut = 3 if number[2] == "0" else 4
        shown = f"{number[:cut]}-{number[cut:-4]}-{number[-4:]}" if self.site != 2 else number
        return [{"system": "phone", "value": shown.translate(_WIDE) if self.site == 3 else shown}]

    def address(self) -> list[dict[str, Any]]:
        """Return the address in the site's way of writing."""
        if self.errs("no address"):
            return []
        home = self.state.home
        chome, block, house = home.block
        if self.site in (0, 4):
            text = f"北海道{home.town}{home.street}{chome}丁目{block}番{house}号"
        elif self.site == 2:
            text = f"{home.town}{home.street}{'〇一二三四五六七八九'[chome]}丁目{block}-{house}"
        else:
            text = f"{home.town}{home.street}{chome}-{block}-{house}"
        made: dict[str, Any] = {"text": text.translate(_WIDE) if self.site == 3 else text}
        if not self.errs("no postcode"):
            made["postalCode"] = f"{home.postcode[:3]}-{home.postcode[3:]}" if self.site else home.postcode
        return [made]

    def record(self, number: int) -> Record:
        """Return the record."""
        person, chance = self.person, self.chance
        own = {"system": f"urn:oid:1.2.392.100495.20.3.51.1{SITES[self.site]}", "value": f"{number:08d}"}
        patient: dict[str, Any] = {
            "resourceType": "Patient",
            "identifier": [own, *self.insurance()],
            "name": self.names(),
            "telecom": self.telephone(),
            "gender": {"male": "female", "female": "male"}[person.sex] if self.errs("wrong sex") else person.sex,
            "birthDate": _wrong_date(person.birth, chance) if self.errs("birth date mistyped") else person.birth,
            "address": self.address(),
        }
        if self.errs("no sex"):
            del patient["gender"]
        if person.twin and chance.random() < 0.3:
            patient["multipleBirthBoolean"] = True
        return Record(self.site, person.number, {k: v for k, v in patient.items() if v != []}, tuple(self.errors))


def records(known: list[Person], chance: random.Random) -> Iterator[Record]:
    """Yield the records that the sites have of people, in no order that would tell who is who."""
    found: list[Record] = []
    for person in known:
        sites = chance.sample(range(len(SITES)), chance.choices(*HOW_MANY_SITES)[0])
        for site in sites + [site for site in sites if chance.random() < TWICE]:
            found.append(_Clerk(person, site, chance).record(len(found)))
    chance.shuffle(found)
    yield from found
