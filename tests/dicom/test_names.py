"""Names as they are searched for fuzzily."""

import pytest

from dicom.names import person_name, romanised, spellings, split, words


@pytest.mark.parametrize(
    ("same", "sound"),
    [
        (("しょういち", "ｼｮｳｲﾁ", "Shōichi", "Shouichi", "Syouiti"), "syoiti"),
        (("たろう", "Tarou", "Taro", "Taroh", "TARŌ"), "taro"),
        (("おおの", "Ohno", "Ono", "Oono"), "ono"),
        (("ジュンイチ", "Jun'ichi", "Junichi", "Zyuniti"), "zyuniti"),
        (("しんばし", "Shimbashi", "Sinbasi"), "sinbasi"),
        (("はっとり", "Hattori"), "hattori"),
        (("まっちゃ", "matcha"), "mattya"),
        (("ふじた", "Fujita", "Huzita"), "huzita"),
        (("つづき", "Tsuzuki", "Tuduki"), "tuzuki"),
        (("Müller", "muller"), "muller"),
        (("山田",), "山田"),
    ],
)
def test_spellings_of_one_name_sound_alike(same: tuple[str, ...], sound: str) -> None:
    assert {spellings(one)[1] for one in same} == {sound}


def test_the_words_of_all_groups_are_kept_as_written_and_as_heard() -> None:
    assert words(person_name("Yamada^Tarou=山田^太郎=やまだ^たろう")) == " taro tarou yamada たろう やまだ 太郎 山田"
    assert words(person_name("")) == ""
    assert split("Yamada*, Tarou^X=") == ["Yamada", "Tarou", "X"]
    assert romanised("やまだ^たろう") == "Yamada Tarou"
