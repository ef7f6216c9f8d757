"""Grades of pairs that people argue about: twins, households, weddings, insurers, foreigners, errors."""

from typing import Any

import pytest

from app.identity.compare import compare
from app.identity.decide import Grade, certain_rule, decide, likelihood, score
from app.identity.evidence import WEIGHTS
from app.identity.traits import traits
from tests.identity import names, someone


def grade(one: dict[str, Any], other: dict[str, Any]) -> Grade:
    """Return the grade of two Patients; it is the same either way round."""
    there, back = compare(traits(one), traits(other)), compare(traits(other), traits(one))
    assert decide(there) is decide(back)
    return decide(there)


BRANCH = "01010016:12:345:03"
HOUSEHOLD = "01010016:12:345:"
WIFE = {"gender": "female", "birthDate": "1985-05-05"}
HANAKO = someone("佐藤 花子", "サトウ ハナコ", **WIFE)
NGUYEN = {"kanji": "", "kana": "", "name": [{"family": "NGUYEN", "given": ["Van Anh"]}]}

CERTAIN = {
    "kanji variants, kana width, a telephone": (someone(), someone("高橋 喜一郎", "ﾀｶﾊｼ ｷｲﾁﾛｳ")),
    "the insurance of the person and the birth date": (
        someone(insurance=BRANCH, phone=None),
        someone("高橋 喜一郎", "", insurance="01010016:１２:３４５:3", phone=None),
    ),
    "an insurer of the elderly insures each singly": (
        someone(insurance="39010006::77:", phone=None),
        someone(insurance="39010006::７７:", phone=None),
    ),
    "the household's number with the same full name": (
        someone(insurance=HOUSEHOLD, phone=None),
        someone(insurance=BRANCH, phone=None),
    ),
    "a wedding with the maiden name stated": (
        HANAKO,
        someone(**WIFE, name=[*names("伊藤 花子", "イトウ ハナコ"), {"use": "maiden", "family": "佐藤"}]),
    ),
    "a wedding under one insurance": (
        someone("佐藤 花子", "サトウ ハナコ", **WIFE, insurance=BRANCH, phone=None),
        someone("伊藤 花子", "イトウ ハナコ", **WIFE, insurance=BRANCH, phone=None),
    ),
    "a character that could not be written": (someone("●橋 喜一郎"), someone()),
    "one wrong kana beside the same kanji": (someone(kana="タカハシ キイチロ"), someone()),
    "family and given name exchanged": (someone("喜一郎 高橋", "キイチロウ タカハシ"), someone()),
    "kana alone with a telephone": (someone("", "タカハシ キイチロウ"), someone()),
    "a foreigner, the names in another order": (
        someone(**NGUYEN),
        someone(kanji="", kana="", name=[{"text": "Van Anh NGUYEN"}]),
    ),
}
QUEUED = {
    "name and birth date alone": (someone(), someone(phone="090-1111-2222")),
    "another insurer and another telephone": (
        someone(insurance=BRANCH),
        someone(insurance="06010016:1:2:01", phone="090-1111-2222"),
    ),
    "a birth date with a typing error": (someone(), someone(birthDate="1951-08-03")),
    "another sex, all else the same": (someone(insurance=BRANCH), someone(insurance=BRANCH, gender="female")),
    "no sex, and a telephone alone": (someone(), someone(gender=None)),
    "a newborn that has got its name": (
        someone("佐藤 ベビー", "サトウ ベビー", birthDate="2026-05-05", insurance=HOUSEHOLD),
        someone("佐藤 蓮", "サトウ レン", birthDate="2026-05-05", insurance=HOUSEHOLD),
    ),
    "two newborns without names": (
        someone("佐藤 ベビー", "サトウ ベビー", birthDate="2026-05-05", insurance=HOUSEHOLD),
        someone("佐藤 ベビー", "サトウ ベビー", birthDate="2026-05-05", insurance=HOUSEHOLD),
    ),
    "a wedding without the maiden name": (HANAKO, someone("伊藤 花子", "イトウ ハナコ", **WIFE)),
}
APART = {
    "twins": (
        someone("山本 健一", "ヤマモト ケンイチ", insurance=HOUSEHOLD),
        someone("山本 健二", "ヤマモト ケンジ", insurance=HOUSEHOLD),
    ),
    "twins with branches": (
        someone("山本 蓮", "ヤマモト レン", insurance=BRANCH),
        someone("山本 凛", "ヤマモト リン", insurance="01010016:12:345:04"),
    ),
    "father and son": (
        someone(insurance=HOUSEHOLD),
        someone("髙橋 健", "タカハシ ケン", birthDate="1980-08-08", insurance=HOUSEHOLD),
    ),
    "a namesake of another age": (someone(), someone(birthDate="1984-11-20", phone="090-1111-2222")),
    "nothing but the birth date": (
        someone("", "", name=None, phone=None),
        someone("", "", name=None, phone=None),
    ),
}


@pytest.mark.parametrize("what", CERTAIN)
def test_certain(what: str) -> None:
    assert grade(*CERTAIN[what]) is Grade.CERTAIN


@pytest.mark.parametrize("what", QUEUED)
def test_for_people_to_decide(what: str) -> None:
    assert grade(*QUEUED[what]) in (Grade.PROBABLE, Grade.POSSIBLE)


@pytest.mark.parametrize("what", APART)
def test_not_the_same(what: str) -> None:
    assert grade(*APART[what]) is Grade.NO


def test_no_rule_is_satisfied_by_name_and_birth_date() -> None:
    rules = frozenset({"birth.same", "sex.same", "kana.same", "kanji.same", "letters.same"})

    assert certain_rule(rules) == ""


def test_every_certain_rule_is_needed_and_explained() -> None:
    found = compare(
        traits(CERTAIN["the insurance of the person and the birth date"][0]), traits(someone(insurance=BRANCH))
    )

    assert certain_rule(frozenset(rule for rule, _ in found)) == "certain.insurance"
    assert score(found) == sum(WEIGHTS[rule] for rule, _ in found)


def test_likelihood_grows_with_the_score_and_stays_between_nought_and_one() -> None:
    scores = [likelihood(points) for points in (-60, 0, 20, 24, 31, 60)]

    assert scores == sorted(scores)
    assert scores[3] == 0.5
    assert 0 <= scores[0] < scores[-1] <= 1
