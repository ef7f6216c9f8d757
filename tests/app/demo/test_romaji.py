import pytest

from app.demo.romaji import romaji


@pytest.mark.parametrize(
    ("kana", "expected"),
    [
        ("タカハシ", "TAKAHASHI"),
        ("キイチロウ", "KIICHIRO"),
        ("ショウヘイ", "SHOHEI"),
        ("リョウガ", "RYOGA"),
        ("ジュンコ", "JUNKO"),
        ("イトウ", "ITO"),
        ("オオノ", "ONO"),
        ("ユウマ", "YUMA"),
    ],
)
def test_a_name_reads_as_in_a_passport(kana, expected):
    assert romaji(kana) == expected


def test_kanji_are_refused():
    with pytest.raises(KeyError):
        romaji("高橋")
