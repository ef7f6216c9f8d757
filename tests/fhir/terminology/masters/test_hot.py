"""The HOT master, on invented rows in the layout of its publisher."""

from fhir.terminology.masters import hot
from fhir.terminology.masters.master import Source
from tests.masters import HOT_COLUMNS, a_hot_row, a_table, codes, displays, made, others, properties, targets


def test_a_row_of_the_large_file_becomes_a_package_a_product_a_drug_and_a_yj_code():
    row = a_hot_row(
        *("9000001010101", "9990001F1010"),
        official="ためし１０ｍｇ錠",
        sold="ためし錠１０",
        receipt_name="ためし錠１０　１０ｍｇ",
        price="9990001F1001",
        receipt="690000001",
        jan="4900000000001",
    )

    found = made(hot.make, a_table("MEDIS20260930.TXT", HOT_COLUMNS, row))

    names = ("ためし錠１０　１０ｍｇ", [("synonym", "ためし錠１０"), ("synonym", "ためし１０ｍｇ錠")])
    facts = {"yj": "9990001F1010", "price": "9990001F1001", "receipt": "690000001"}
    package = codes(found["master-HOT13"])["9000001010101"]
    product = codes(found["master-HOT9"])["900000101"]
    assert (package["display"], others(package)) == (names[0], [])
    assert properties(package) == facts | {"jan": "4900000000001"}
    assert (product["display"], others(product)) == names
    assert properties(product) == facts
    assert displays(found["master-HOT7"]) == {"9000001": "ためし１０ｍｇ錠"}
    assert displays(found["YJ-code"]) == {"9990001F1010": "ためし錠１０　１０ｍｇ"}
    assert targets(found["hot9-yj"]) == {"900000101": [("9990001F1010", "equivalent")]}


def test_the_small_file_has_products_but_no_packages():
    found = made(hot.make, a_table("MEDIS20260930_HOT9.TXT", HOT_COLUMNS, a_hot_row("900000101", "9990001F1010")))

    assert sorted(found) == ["YJ-code", "hot9-yj", "master-HOT7", "master-HOT9"]


def test_both_files_together_are_one_master():
    large = a_table("MEDIS20260930.TXT", HOT_COLUMNS, a_hot_row("9000001010101"))
    small = a_table("MEDIS20260930_HOT9.TXT", HOT_COLUMNS, a_hot_row("900000101"), a_hot_row("900000201"))

    found = made(hot.make, large, small)

    assert list(codes(found["master-HOT13"])) == ["9000001010101"]
    assert list(codes(found["master-HOT9"])) == ["900000101", "900000201"]


def test_a_code_is_withdrawn_when_all_its_rows_are():
    rows = [
        a_hot_row("9000001010101", "9990001F1010", "むかしの名", change="4"),
        a_hot_row("9000001010102", "9990001F1010", "いまの名", change="1"),
        a_hot_row("9000001020101", "9990001F1020", "きえた名", change="3"),
    ]

    found = made(hot.make, a_table("MEDIS20260930.TXT", HOT_COLUMNS, *rows))

    assert [properties(one).get("inactive") for one in codes(found["master-HOT13"]).values()] == [True, None, True]
    assert [properties(one).get("inactive") for one in codes(found["master-HOT9"]).values()] == [None, True]
    assert displays(found["master-HOT9"]) == {"900000101": "いまの名", "900000102": "きえた名"}
    assert [properties(one).get("inactive") for one in codes(found["YJ-code"]).values()] == [None, True]


def test_the_map_says_how_products_and_yj_codes_go_together():
    pairs = [
        *[("900000101", "9990001F1010"), ("900000102", "9990001F1010")],
        *[("900000201", "9990002F1010"), ("900000201", "9990002F1020")],
        *[("900000301", "9990003F1010"), ("900000301", "9990003F1020"), ("900000302", "9990003F1020")],
        ("900000401", ""),
    ]

    found = made(hot.make, a_table("x.csv", HOT_COLUMNS, *(a_hot_row(*pair) for pair in pairs)))

    assert targets(found["hot9-yj"]) == {
        "900000101": [("9990001F1010", "wider")],
        "900000102": [("9990001F1010", "wider")],
        "900000201": [("9990002F1010", "narrower"), ("9990002F1020", "narrower")],
        "900000301": [("9990003F1010", "narrower"), ("9990003F1020", "relatedto")],
        "900000302": [("9990003F1020", "wider")],
    }
    group = found["hot9-yj"]["group"][0]
    assert (group["source"], group["target"]) == (
        "http://medis.or.jp/CodeSystem/master-HOT9",
        "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code",
    )


def test_where_rows_of_a_code_differ_in_a_fact_none_is_given():
    rows = [a_hot_row("900000201", yj, receipt="690000001") for yj in ("9990002F1010", "9990002F1020", "9990002F1010")]

    found = made(hot.make, a_table("x.csv", HOT_COLUMNS, *rows))

    assert properties(codes(found["master-HOT9"])["900000201"]) == {"receipt": "690000001"}


def test_what_is_known_of_other_systems_is_a_fragment_of_them():
    found = made(hot.make, a_table("x.csv", HOT_COLUMNS, a_hot_row("900000101", "9990001F1010")))

    assert found["master-HOT9"]["content"] == "complete"
    assert found["YJ-code"]["content"] == "fragment"


def test_rows_that_do_not_hold_together_are_named():
    source = Source()
    wrong = [*a_hot_row("900000102")]
    wrong[1] = "9000009"

    found = made(
        *(hot.make, a_table("x.csv", HOT_COLUMNS, a_hot_row("900000101"), wrong, a_hot_row("900000103", name=""))),
        source=source,
    )

    assert source.faults.listed == [
        "x.csv, line 3: 処方用番号 9000009 does not begin the 基準番号 900000102",
        "x.csv, line 4: no column has a name: 告示名称, 販売名, レセプト電算処理システム医薬品名",
    ]
    assert list(codes(found["master-HOT9"])) == ["900000101"]


def test_the_version_is_the_newest_row_s_unless_another_is_said():
    rows = [a_hot_row("900000101", date="20260831"), a_hot_row("900000102", date="20260930")]

    said = [
        made(hot.make, a_table("x.csv", HOT_COLUMNS, *rows), source=Source(version))["master-HOT9"]
        for version in ("", "2026.10")
    ]

    assert [(one["version"], one["date"]) for one in said] == [("20260930", "2026-09-30"), ("2026.10", "2026-09-30")]
