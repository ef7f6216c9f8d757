"""Households: the table of everybody in the region, all invented."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Sex = Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class Row:
    """One person; `old_family` is the surname in 旧字, or the surname again where there is none."""

    slug: str
    family: str
    old_family: str
    given: str
    family_kana: str
    given_kana: str
    sex: Sex
    birth: date
    household: str
    story: str
    sites: tuple[tuple[str, str], ...]
    """The slug of each site that knows them, and how it writes them: a `people.Writing`, or nothing."""


_TABLE = """
kiichiro 高橋/髙橋 喜一郎 タカハシ キイチロウ male 1951-03-08 h01 diabetes a c:old
sumiko 高橋/髙橋 澄子 タカハシ スミコ female 1954-09-21 h01 hypertension c b:kana
tetsuo 渡辺/渡邊 徹雄 ワタナベ テツオ male 1948-11-02 h02 stroke a b:old c:wide
kazue 渡辺/渡邉 和枝 ワタナベ カズエ female 1950-06-14 h02 hip-fracture b e:old a:kana
keiko 山崎/山﨑 恵以子 ヤマザキ ケイコ female 1968-01-30 h03 breast-cancer a c:old
shota 山崎/山﨑 翔汰 ヤマザキ ショウタ male 1996-04-19 h03 checkup c
shohei 吉田/𠮷田 昌平 ヨシダ ショウヘイ male 1943-02-11 h04 dementia b e:old
hana 吉田/𠮷田 波奈 ヨシダ ハナ female 1946-12-25 h04 hypertension e:old
seiji 斎藤/齋藤 誠司 サイトウ セイジ male 1959-07-07 h05 diabetes d a:old
yuko 斎藤/齋藤 裕香子 サイトウ ユカコ female 1962-10-03 h05 depression a c:half
ren 佐藤 蓮斗 サトウ レント male 2018-05-16 h06 asthma d b:kana
aoi 佐藤 蒼斗 サトウ アオト male 2018-05-16 h06 asthma d
misaki 佐藤 美沙紀 サトウ ミサキ female 1988-08-29 h06 pregnancy a d:half
kenta 佐藤 謙太 サトウ ケンタ male 1986-02-17 h06 checkup d
yuina 中村 結衣奈 ナカムラ ユイナ female 2025-11-20 h07 infant d
ayaka 中村 彩佳 ナカムラ アヤカ female 1994-03-03 h07 pregnancy b d:wide
daisuke 中村 大亮 ナカムラ ダイスケ male 1992-07-12 h07 checkup d
tome 小林 トメ コバヤシ トメ female 1927-06-01 h08 pneumonia b e:kana
shozo 小林 正造 コバヤシ ショウゾウ male 1953-01-15 h08 diabetes e b:wide
setsuko 小林 節江 コバヤシ セツエ female 1956-05-05 h08 hypertension e
aki 伊東 亜希 イトウ アキ female 1975-10-10 h09 breast-cancer a e:moved
ami 伊東 亜美 イトウ アミ female 1975-10-10 h09 checkup e
isao 加藤 勲夫 カトウ イサオ male 1939-09-09 h10 dementia a c:wide
fumiko 加藤 文江 カトウ フミエ female 1941-04-01 h10 hip-fracture a c
tadashi 松本 忠志 マツモト タダシ male 1965-08-18 h11 hypertension c
nana 松本 奈々葉 マツモト ナナハ female 2001-12-12 h11 depression d b:moved
seijiro 井上 清次郎 イノウエ セイジロウ male 1936-03-27 h12 pneumonia a d:half
koichi 木村 晃市 キムラ コウイチ male 1957-11-11 h13 stroke b c:insurer
yumi 木村 由実 キムラ ユミ female 1960-02-29 h13 checkup c
an 林 杏菜 ハヤシ アンナ female 2016-09-30 h14 asthma d b
naoya 林 直弥 ハヤシ ナオヤ male 1983-06-06 h14 checkup d
akio 広瀬/廣瀨 昭生 ヒロセ アキオ male 1949-04-29 h15 diabetes b c:old
chiyo 広瀬/廣瀨 千世 ヒロセ チヨ female 1952-08-08 h15 hypertension c:old
shuzo 浜田/濵田 修三 ハマダ シュウゾウ male 1961-01-23 h16 hypertension e a:old
emi 沢田/澤田 恵未 サワダ エミ female 1972-03-14 h17 breast-cancer b
ryo 桜井/櫻井 涼雅 サクライ リョウガ male 1999-10-25 h18 checkup e:old
fumi 大野 フミ オオノ フミ female 1930-12-03 h19 hip-fracture b
hiroshi 石川 博之助 イシカワ ヒロノスケ male 1946-07-19 h20 pneumonia b c:kana
kazuko 遠藤 和香子 エンドウ ワカコ female 1944-01-05 h21 dementia e
yuma 阿部 悠真 アベ ユウマ male 2024-12-10 h22 infant d
rio 阿部 梨央奈 アベ リオナ female 1995-05-28 h22 pregnancy a
shigeki 工藤 茂季 クドウ シゲキ male 1955-02-02 h23 diabetes c
reiko 三浦 令子 ミウラ レイコ female 1966-11-30 h24 checkup e
shinji 岡田 進司 オカダ シンジ male 1958-09-17 h25 stroke a e:wide
"""
"""slug, surname/旧字, given name, kana, sex, birth, household, story; then the sites by their letters."""

_SITES = {"a": "hospital-a", "b": "hospital-b", "c": "clinic-c", "d": "clinic-d", "e": "clinic-e"}


def _row(line: str) -> Row:
    slug, names, given, family_kana, given_kana, sex, birth, household, story, *places = line.split()
    family, _, old_family = names.partition("/")
    return Row(
        slug,
        family,
        old_family or family,
        given,
        family_kana,
        given_kana,
        "male" if sex == "male" else "female",
        date.fromisoformat(birth),
        household,
        story,
        tuple((_SITES[place[0]], place[2:]) for place in places),
    )


ROWS = tuple(_row(line) for line in _TABLE.split("\n") if line)
