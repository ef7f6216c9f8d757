"""Full text: how texts are kept, what finds them, what a query may look like."""

import pytest

from fhir.errors import InvalidValue
from fhir.search.text import LONGEST, grams, joined, line, parse


def has(text: str, query: str) -> bool:
    """Return whether a text has what a query asks, and all the keys that it looks up."""
    value, kept = parse(query), line(text)
    found = all(phrase.text in kept for phrase in value.phrases)
    wanted = [gram for phrase in value.phrases for gram in phrase.grams]
    looked_up = all(any(gram.lo <= key < gram.hi for key in grams(kept)) for gram in wanted)
    assert looked_up or not found, "a text that has it would not be looked at"
    return found


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("2型糖尿病の疑い", "糖尿"),
        ("2型糖尿病の疑い", "尿病"),
        ("早期胃癌", "胃癌"),
        ("早期胃癌", "癌"),
        ("HbA1c検査", "hba1c"),
        ("HbA1c検査", "検査"),
        ("HbA1c検査", "ＨｂＡ１ｃ検査"),
        ("ﾍﾓｸﾞﾛﾋﾞﾝ", "ヘモグロビン"),
        ("へもぐろびん", "ヘモグロビン"),
        ("髙﨑 渡邊", "高崎"),
        ("髙﨑 渡邊", "渡辺"),
        ("葛\U000e0100飾区", "葛飾"),
        ("舊來ノ處方", "旧来の処方"),
        ("Acute Renal Failure", "renal acute"),
        ("Acute Renal Failure", '"acute renal"'),
        ("Diabète", "diabet"),
        ("HLA-B27 positive", "HLA-B27"),
        ("𠮷野家", "吉野"),
        ("메트포르민정", "포르"),
    ],
)
def test_a_text_is_found_by(text: str, query: str) -> None:
    assert has(text, query)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("糖尿なし。尿病院", "糖尿病"),
        ("か", "が"),
        ("prediabetes", "diabetes"),
        ("renal failure, acute", '"acute renal"'),
        ("diabetes", '"diabet"'),
        ("100 mg", "10mg"),
        ("齋藤", "斉藤"),
        ("大田", "太田"),
        ("糖尿病", "糖尿病 腎症"),
    ],
)
def test_a_text_is_not_found_by(text: str, query: str) -> None:
    assert not has(text, query)


def test_pieces_do_not_run_into_each_other() -> None:
    kept = joined(["糖尿", "病院", "糖尿", "、。"])

    assert kept == " 糖尿 \n 病院 "
    assert parse("糖尿病").phrases[0].text not in kept


def test_what_is_kept_is_bounded() -> None:
    assert len(joined(f"{number:06d}" for number in range(LONGEST))) == LONGEST


def test_the_keys_of_words_that_begin_alike_are_one_range_of_63_bits() -> None:
    (looked_up,) = parse("diab").phrases[0].grams

    assert {looked_up.lo <= key < looked_up.hi for key in grams(" diabetes diabolo diab ")} == {True}
    assert not any(looked_up.lo <= key < looked_up.hi for key in grams(" diaa diac dia 糖尿 "))
    assert all(0 < key < 2**63 for key in grams(" zzzzzzzz éàüöß \U0003ffff\U0003ffff "))


@pytest.mark.parametrize("query", ["", "、。", '""', '"糖尿', " ".join(f"w{n}" for n in range(21))])
def test_what_asks_for_nothing_or_too_much_is_refused(query: str) -> None:
    with pytest.raises(InvalidValue):
        parse(query)
