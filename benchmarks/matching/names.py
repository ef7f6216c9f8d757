"""Names of made-up people: surnames as frequent as they are, given names by fashion, kanji that are written otherwise.

Surnames with their numbers of bearers and given names with their kanji are from `japanese-personal-name-dataset` (MIT;
the numbers after 名字由来net). How frequent a given name is the data do not say: a Zipf law over the readings of the
shorter list, and within a reading over its spellings, stands for it.

Nothing here is taken from the index that is measured: the list of variants is this file's own.
"""

import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from japanese_personal_name_dataset import load_dataset

VARIANTS = (
    *(
        "高髙",
        "崎﨑",
        "辺邊",
        "辺邉",
        "斎齋",
        "斉齊",
        "沢澤",
        "広廣",
        "浜濱",
        "浜濵",
        "島嶋",
        "桜櫻",
        "国國",
        "真眞",
        "恵惠",
    ),
    *(
        "吉𠮷",
        "富冨",
        "徳德",
        "瀬瀨",
        "桧檜",
        "滝瀧",
        "竜龍",
        "栄榮",
        "実實",
        "静靜",
        "豊豐",
        "万萬",
        "与與",
        "礼禮",
        "寿壽",
    ),
    *(
        "円圓",
        "塩鹽",
        "関關",
        "黒黑",
        "児兒",
        "條条",
        "荘莊",
        "曽曾",
        "槙槇",
        "薮藪",
        "頼賴",
        "渕淵",
        "柳栁",
        "館舘",
        "桑桒",
    ),
)
"""Pairs that people and sites write one for the other: the usual form first. By hand, from what hospital systems meet
as 外字 and as differing forms in family registers."""

LATIN = (
    *(("NGUYEN", "グエン"), ("TRAN", "チャン"), ("LE", "レ"), ("WANG", "ワン"), ("LI", "リ"), ("ZHANG", "チャン")),
    *(
        ("KIM", "キム"),
        ("PARK", "パク"),
        ("SANTOS", "サントス"),
        ("REYES", "レイエス"),
        ("SILVA", "シルバ"),
        ("SMITH", "スミス"),
    ),
    *(
        ("JOHNSON", "ジョンソン"),
        ("TAMANG", "タマン"),
        ("SHARMA", "シャルマ"),
        ("GARCIA", "ガルシア"),
        ("IVANOVA", "イワノワ"),
    ),
)
LATIN_GIVEN = (
    *(
        ("VAN ANH", "バンアン"),
        ("MINH", "ミン"),
        ("THI HOA", "ティホア"),
        ("WEI", "ウェイ"),
        ("XIN", "シン"),
        ("JUN HO", "ジュンホ"),
    ),
    *(
        ("MARIA", "マリア"),
        ("JOSE", "ホセ"),
        ("ANNA", "アンナ"),
        ("JOHN", "ジョン"),
        ("DAVID", "デビッド"),
        ("RAM", "ラム"),
    ),
    *(("SITA", "シータ"), ("PAULO", "パウロ"), ("MICHAEL", "マイケル"), ("OLGA", "オルガ"), ("GRACE", "グレース")),
)


@dataclass(frozen=True, slots=True)
class Written:
    """A name or a part of one: in kanji and in katakana."""

    kanji: str
    kana: str


def katakana(hiragana: str) -> str:
    """Return hiragana as katakana."""
    return "".join(chr(ord(one) + 0x60) if "ぁ" <= one <= "ゖ" else one for one in hiragana)


@lru_cache
def _surnames() -> tuple[list[Written], list[float]]:
    _, _, surnames = load_dataset("org", include_last_names=True)
    found, weights = [], []
    for kanji, facts in surnames.items():
        found.append(Written(kanji, katakana(facts["reading"])))
        weights.append(float(facts["count"]))
    return found, list(accumulate(weights))


@lru_cache
def _given(sex: str) -> tuple[list[tuple[str, list[str]]], list[float]]:
    men, women = load_dataset("opti")
    found = [(katakana(reading), list(facts["kanji"])) for reading, facts in (men if sex == "male" else women).items()]
    fashion = random.Random(f"fashion of {sex}")
    fashion.shuffle(found)
    for _, spelt in found:
        fashion.shuffle(spelt)
    return found, list(accumulate(1 / (rank + 8) for rank in range(len(found))))


def surname(chance: random.Random) -> Written:
    """Return a surname, as often as people bear it."""
    names, weights = _surnames()
    return chance.choices(names, cum_weights=weights)[0]


def given(chance: random.Random, sex: str) -> Written:
    """Return a given name."""
    names, weights = _given(sex)
    reading, spelt = chance.choices(names, cum_weights=weights)[0]
    few = spelt[:12]
    return Written(chance.choices(few, [1 / (rank + 1) for rank in range(len(few))])[0], reading)


def respelt(chance: random.Random, name: Written, sex: str) -> str:
    """Return other kanji of the same reading: what somebody who only heard the name writes."""
    names, _ = _given(sex)
    spelt = next((list(kanji) for reading, kanji in names if reading == name.kana), [])
    return chance.choice([one for one in spelt if one != name.kanji] or [name.kanji])


def variant(text: str, chance: random.Random) -> str:
    """Return `text` with one of its kanji, if one has another form, in that form."""
    pairs = [pair for pair in VARIANTS if pair[0] in text]
    if not pairs:
        return text
    pair = chance.choice(pairs)
    return text.replace(pair[0], pair[1])


def plain(text: str) -> str:
    """Return `text` in usual forms alone: what a system without 外字 writes."""
    for pair in VARIANTS:
        text = text.replace(pair[1], pair[0])
    return text
