import pytest

from app.portal.finding import criteria, spellings, split_names


@pytest.mark.parametrize(
    ("typed", "pairs"),
    [
        ("山田", [("name", "山田")]),
        ("山田　太郎", [("name", "山田"), ("name", "太郎")]),
        ("高橋", [("name", "高橋,髙橋")]),
        ("たかはし", [("name", "たかはし,タカハシ")]),
        ("Ｙａｍａｄａ", [("name", "Yamada")]),
        ("S26.3.8", [("birthdate", "1951-03-08")]),
        ("04760005 山田", [("identifier", "04760005"), ("name", "山田")]),
        ("a,b|c$", [("name", "a\\,b\\|c\\$")]),
        ("12", [("name", "12")]),
        ("", []),
        ("a b c d e f g h", [("name", letter) for letter in "abcdef"]),
    ],
)
def test_words_become_search_parameters(typed: str, pairs: list[tuple[str, str]]) -> None:
    assert criteria(typed) == pairs


def test_spellings_are_bounded() -> None:
    found = spellings("渡邊斎藤辺斉")

    assert found[0] == "渡邊斎藤辺斉"
    assert len(found) == 24


@pytest.mark.parametrize("typed", ["山田", "山田 太郎", "Yamada", "04760005", "一二三四五六七八九", ""])
def test_these_are_not_split(typed: str) -> None:
    assert split_names(typed) == []


def test_a_name_without_a_space_is_split_where_family_names_end_most_often() -> None:
    found = split_names("山田太郎")

    assert found[0] == [("name", "山田"), ("name", "太郎")]
    assert len(found) == 3
