import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.errors import InvalidValue
from fhir.search import string
from fhir.search.hashing import hash64
from fhir.search.japanese import SAME
from fhir.search.string import LONGEST, fold
from fhir.search.values import StringValue


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Peter  James\tChalmers ", "peter james chalmers"),
        ("Ａｂｃ　１２３", "abc 123"),
        ("ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ タロウ"),
        ("がんばる", "がんばる"),
        ("か\u3099", "が"),
        ("Müller", "muller"),
        ("Mu\u0308ller", "muller"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("Ελλάδα", "ελλαδα"),
        ("Йод", "иод"),
        ("山田　太郎", "山田 太郎"),
        ("葛\U000e0100城", "葛城"),
        ("\ufa19戸", "神戸"),
        ("髙橋", "髙橋"),
        ("\U00020b9f野家", "\U00020b9f野家"),
        ("あい", "あい"),
        ("①", "1"),
        ("　 ", ""),
    ],
    ids=[
        "case and spaces",
        "full width",
        "half-width kana",
        "dakuten stay",
        "combining dakuten",
        "umlaut",
        "combining umlaut",
        "sharp s",
        "dotted I",
        "Greek",
        "Cyrillic",
        "full-width space",
        "variation selector",
        "compatibility ideograph",
        "a kanji of its own",
        "outside the basic plane",
        "hiragana is not katakana",
        "circled digit",
        "nothing but spaces",
    ],
)
def test_a_text_is_folded_as_japanese_and_western_readers_expect(text, folded):
    assert fold(text) == folded


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=300))
def test_a_folded_text_is_of_limited_length(text):
    assert len(fold(text)) <= LONGEST


def test_a_text_is_kept_to_200_characters():
    assert fold("あ" * 5000) == "あ" * 200
    assert fold("A" * 5000) == "a" * 200


def test_a_japanese_name_is_found_in_every_order_and_spacing():
    name = {"use": "usual", "text": "山田 太郎", "family": "山田", "given": ["太郎"]}

    texts = [text for text, _ in string.of_human_name(name)]

    assert texts == [
        "山田 太郎",
        "山田太郎",
        "山田",
        "太郎",
        "山田 太郎",
        "山田太郎",
        "太郎 山田",
        "太郎山田",
    ]


def test_a_western_name_is_found_by_each_of_its_parts():
    name = {"family": "Chalmers", "given": ["Peter", "James"], "prefix": ["Dr"], "suffix": ["MD"]}

    rows = string.of_human_name(name)

    assert rows == [
        ("chalmers", hash64("Chalmers")),
        ("peter", hash64("Peter")),
        ("james", hash64("James")),
        ("dr", hash64("Dr")),
        ("md", hash64("MD")),
        ("chalmers peter james", hash64("Chalmers Peter James")),
        ("chalmerspeterjames", hash64("ChalmersPeterJames")),
        ("peter james chalmers", hash64("Peter James Chalmers")),
        ("peterjameschalmers", hash64("PeterJamesChalmers")),
    ]


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ({"family": "山田"}, ["山田"]),
        ({"given": ["Peter", None]}, ["peter"]),
        ({"text": "Peter Chalmers"}, ["peter chalmers"]),
        ({"text": "山田　太郎"}, ["山田 太郎", "山田太郎"]),
        ({}, []),
    ],
)
def test_a_name_without_both_parts_is_found_by_what_it_has(name, texts):
    assert [text for text, _ in string.of_human_name(name)] == texts


def test_an_address_is_found_by_its_parts_and_its_text():
    address = {
        "text": "〒060-0001 札幌市中央区北１条西２丁目",
        "postalCode": "060-0001",
        "state": "北海道",
        "city": "札幌市",
        "district": "石狩",
        "line": ["中央区", "北１条西２丁目"],
        "country": "JP",
        "use": "home",
    }

    texts = {text for text, _ in string.of_address(address)}

    assert texts == {
        "〒060-0001 札幌市中央区北1条西2丁目",
        "060-0001",
        "北海道",
        "札幌市",
        "石狩",
        "中央区",
        "北1条西2丁目",
        "jp",
    }


def test_a_string_and_markdown_are_one_row():
    assert string.extractors()["string"]("Ａ") == [("a", hash64("Ａ"))]
    assert string.extractors()["markdown"]("*A*") == [("*a*", hash64("*A*"))]


def test_a_query_is_folded_and_its_exact_form_is_not():
    assert string.parse("ﾔﾏﾀﾞ") == StringValue("ヤマダ", hash64("ﾔﾏﾀﾞ"))
    assert string.parse(r"a\,b") == StringValue("a,b", hash64("a,b"))


@pytest.mark.parametrize("text", ["", " ", "　", "\ufe00"])
def test_a_query_of_which_nothing_is_left_is_refused(text):
    with pytest.raises(InvalidValue, match="not a text to search for"):
        string.parse(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("やまだ", "ヤマダ"),
        ("髙﨑", "高崎"),
        ("渡邊 渡邉", "渡辺 渡辺"),
        ("ゝ", "ヽ"),
        ("齋藤 斉藤", "斎藤 斉藤"),
        ("Müller", "muller"),
    ],
    ids=["kana", "name variants", "both old forms", "iteration mark", "different characters", "letters"],
)
def test_japanese_folding_takes_kana_and_old_kanji_for_the_same(text, folded):
    assert fold(text, japanese=True) == folded
    assert fold(fold(text, japanese=True), japanese=True) == folded


def test_what_kanji_are_compared_as_is_compared_as_itself():
    assert [pair for pair in SAME.items() if ord(pair[1]) in SAME] == []


def test_a_query_folds_as_the_rows_do_and_exact_does_not():
    ((folded, exact),) = string.extractors(japanese=True)["string"]("髙橋")

    asked = string.parse("高橋", japanese=True)

    assert asked.folded == folded
    assert asked.exact_hash != exact
