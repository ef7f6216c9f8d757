"""Made-up people in households, and what of them changes over the years: the truth behind the records.

Rates a year, and where they come from: 4 % move to another municipality (住民基本台帳人口移動報告 2016: 4.88 million of
127 million), as many again inside it; 10 % of those under 75 change their insurer (changes of work, 雇用動向調査, and
dependents with them; an assumption in its order of size); at 75 everybody does. Twins: 2 of 100 children. 2.5 % are
foreigners (出入国在留管理庁 2023). Ages are about Japan's.
"""

import random
from dataclasses import dataclass, field, replace

from benchmarks.matching.names import LATIN, LATIN_GIVEN, Written, given, surname, variant

THIS_YEAR = 2026
MOVES, INSURERS, PHONES, WEDDINGS = 0.08, 0.10, 0.04, 0.03
"""Changes a year; weddings of women between 20 and 40, who take the other surname in 95 of 100 (人口動態統計)."""
TWINS, FOREIGN, YEARS = 0.02, 0.025, 8

TOWNS = (
    *(("札幌市中央区", "060"), ("札幌市北区", "001"), ("旭川市", "070"), ("函館市", "040"), ("小樽市", "047")),
    *(("帯広市", "080"), ("釧路市", "085"), ("北見市", "090"), ("名寄市", "096"), ("稚内市", "097")),
)
STREETS = (
    "本町",
    "栄町",
    "緑が丘",
    "東町",
    "西町",
    "新富町",
    "若松町",
    "桜ヶ丘",
    "大通",
    "春光",
    "豊岡",
    "永山",
    "末広",
    "花園",
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a household lives."""

    town: str
    street: str
    block: tuple[int, int, int]
    postcode: str
    phone: str


@dataclass(frozen=True, slots=True)
class Policy:
    """An insurance: the household's, and the person's branch in it."""

    insurer: str
    symbol: str
    number: str
    branch: str


@dataclass(frozen=True, slots=True)
class State:
    """What holds of a person in one year."""

    surname: Written
    home: Home
    mobile: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Person:
    """A person, and its states: the present one first, one for each year back."""

    number: int
    given: Written
    sex: str
    birth: str
    twin: bool
    latin: str
    """The name in Latin letters, of a foreigner."""
    states: tuple[State, ...] = field(repr=False)
    maiden: Written | None = None


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices("0123456789", k=count))


def _home(chance: random.Random) -> Home:
    town, code = chance.choice(TOWNS)
    street = chance.randrange(len(STREETS))
    block = (chance.randint(1, 9), chance.randint(1, 30), chance.randint(1, 25))
    return Home(town, STREETS[street], block, f"{code}{street:02d}{block[0]:02d}", f"01{_digits(chance, 8)}")


def _policy(chance: random.Random, age: int, branch: int) -> Policy:
    if age >= 75:
        return Policy("39010006", "", _digits(chance, 8), "")
    if chance.random() < 0.3:
        return Policy(f"000{chance.randint(10, 29)}012", "国", _digits(chance, 7), f"{branch:02d}")
    return Policy(
        f"0{chance.choice('16')}010{_digits(chance, 3)}", _digits(chance, 4), _digits(chance, 5), f"{branch:02d}"
    )


def _age(chance: random.Random) -> int:
    return min(99, int(chance.triangular(0, 100, 58)) if chance.random() < 0.85 else chance.randint(0, 14))


class _Household:
    """A household while it is made, its state of each year."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        name = surname(chance)
        name = Written(variant(name.kanji, chance), name.kana) if chance.random() < 0.2 else name
        self.surname = name
        self.homes = [_home(chance)]
        self.policies = [_policy(chance, 40, 0)]
        for _ in range(YEARS):
            self.homes.append(_home(chance) if chance.random() < MOVES else self.homes[-1])
            self.policies.append(_policy(chance, 40, 0) if chance.random() < INSURERS else self.policies[-1])

    def states(self, age: int, sex: str, branch: int) -> tuple[list[State], Written | None]:
        """Return the states of a member, the present one first, and the name before a wedding."""
        chance = self.chance
        mobile = f"0{chance.choice('789')}0{_digits(chance, 8)}" if age >= 15 else ""
        own = _policy(chance, 80, 0)
        found, name, maiden = [], self.surname, None
        for year in range(YEARS + 1):
            policy = own if age - year >= 75 else replace(self.policies[year], branch=f"{branch:02d}")
            found.append(State(name, self.homes[year], mobile, policy))
            mobile = f"090{_digits(chance, 8)}" if mobile and chance.random() < PHONES else mobile
            if maiden is None and sex == "female" and 20 <= age - year <= 40 and chance.random() < WEDDINGS:
                name = maiden = surname(chance)
        return found, maiden


def _member(house: _Household, number: int, branch: int, born: tuple[int, str], twin_of: Person | None) -> Person:
    chance = house.chance
    age, birth = born
    sex = chance.choice(("male", "female"))
    if twin_of is not None and chance.random() < 0.7:
        sex = twin_of.sex
    name = given(chance, sex)
    while twin_of is not None and name.kana == twin_of.given.kana:
        name = given(chance, sex)
    states, maiden = house.states(age, sex, branch)
    return Person(number, name, sex, birth, twin_of is not None, "", tuple(states), maiden)


def _foreigner(chance: random.Random, person: Person) -> Person:
    (family, family_kana), (name, kana) = chance.choice(LATIN), chance.choice(LATIN_GIVEN)
    states = tuple(replace(state, surname=Written(family, family_kana)) for state in person.states)
    return replace(person, given=Written(name, kana), latin=f"{family} {name}", states=states, maiden=None)


def _birth(chance: random.Random, age: int) -> tuple[int, str]:
    return age, f"{THIS_YEAR - age}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"


def people(chance: random.Random, count: int) -> list[Person]:
    """Return `count` people, household by household."""
    found: list[Person] = []
    while len(found) < count:
        house = _Household(chance)
        foreign = chance.random() < FOREIGN
        for branch in range(1, chance.choices((2, 3, 4, 5, 6), (37, 28, 18, 12, 5))[0]):
            person = _member(house, len(found), branch, _birth(chance, _age(chance)), None)
            found.append(_foreigner(chance, person) if foreign else person)
            if chance.random() < TWINS / 2 and not foreign:
                born = THIS_YEAR - int(person.birth[:4]), person.birth
                found[-1] = replace(found[-1], twin=True)
                found.append(_member(house, len(found), branch + 50, born, person))
    return found[:count]
