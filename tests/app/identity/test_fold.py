"""What names, numbers and addresses are compared as."""

import pytest

from app.identity import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ショウイチ", "シヨウイチ"),
        ("しょういち", "ショーイチ"),
        ("ｼｮｳｲﾁ", "ショウイチ"),
        ("ｶﾞｸ", "ガク"),
        ("ミチヅレ", "ミチズレ"),
        ("タカハシ　キイチロウ", "タカハシキイチロウ"),
        ("ケーコ", "ケイコ"),
        ("カヲル", "カオル"),
    ],
)
def test_kana_that_sound_alike_are_one(one: str, other: str) -> None:
    assert fold.kana(one) == fold.kana(other)


@pytest.mark.parametrize(("one", "other"), [("オオノ", "オノ"), ("ユウコ", "ユキコ"), ("ハルカ", "バルカ")])
def test_other_names_stay_others(one: str, other: str) -> None:
    assert fold.kana(one) != fold.kana(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("髙橋", "高橋"), ("山﨑", "山崎"), ("渡邉", "渡辺"), ("渡邊", "渡邉"), ("齋藤", "斎藤"), ("齊藤", "斉藤")),
        *(("𠮷田", "吉田"), ("濵田", "浜田"), ("澤田", "沢田"), ("冨田", "富田"), ("佐々木", "佐佐木")),
        *(("辻󠄀", "辻"), ("髙●", "高橋"), ("松■", "松本")),
    ],
)
def test_forms_of_one_name_are_the_same(one: str, other: str) -> None:
    assert fold.same_kanji(fold.kanji(one), fold.kanji(other))


@pytest.mark.parametrize(("one", "other"), [("齋藤", "斉藤"), ("大田", "太田"), ("健一", "健二"), ("林", "森林")])
def test_names_of_one_sound_or_look_are_not(one: str, other: str) -> None:
    assert not fold.same_kanji(fold.kanji(one), fold.kanji(other))


@pytest.mark.parametrize(
    "text",
    [
        "北海道札幌市中央区北１条西２丁目３番地",
        "札幌市中央区北1条西2-3",
        "札幌市中央区北一条西二丁目３番",
        "北海道 札幌市中央区 北1条西2丁目 3",
    ],
)
def test_an_address_is_one_however_it_is_written(text: str) -> None:
    assert fold.address(text) == "札幌市中央区北1条西2-3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("０１１－２２２－３４５６", "0112223456"), ("+81 11 222 3456", "0112223456"), ("000-0000-0000", ""), ("123", "")],
)
def test_telephones_are_digits_as_dialled_inside_japan(text: str, expected: str) -> None:
    assert fold.phone(text) == expected


def test_postcodes_have_seven_digits_that_mean_something() -> None:
    assert [fold.postcode(text) for text in ("〒060-0001", "０６００００１", "000-0000", "060")] == [
        *("0600001", "0600001", "", ""),
    ]


def test_latin_names_are_words_in_no_order() -> None:
    assert fold.letters("SMITH, Jöhn") == fold.letters("john Smith") == {"john", "smith"}
