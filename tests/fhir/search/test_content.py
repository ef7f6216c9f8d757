"""What of a resource is its text."""

from typing import Any

from fhir.search.content import content_row, number_of


def texts(resource: dict[str, Any]) -> tuple[str, str]:
    ((number, narrative, other),) = content_row(resource)
    assert number == number_of(resource["resourceType"])
    return narrative, other


def test_displays_notes_and_titles_are_text_but_codes_units_ids_and_addresses_are_not() -> None:
    _, other = texts(
        {
            "resourceType": "Observation",
            "id": "anid",
            "meta": {"tag": [{"display": "tagged"}]},
            "identifier": [{"value": "number", "assigner": {"display": "assigner"}}],
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "acode", "display": "HbA1c"}], "text": "検査"},
            "subject": {"reference": "Patient/somebody", "display": "山田"},
            "valueQuantity": {"value": 6.3, "unit": "percent"},
            "note": [{"text": "食後"}],
            "component": [{"code": {"text": "部分"}, "valueString": "陽性"}],
            "extension": [{"url": "http://example.org/x", "valueString": "付記"}],
            "contained": [
                {
                    "resourceType": "Device",
                    "text": {"div": "<div xmlns='http://www.w3.org/1999/xhtml'>装置</div>"},
                    "deviceName": [{"name": "meter", "type": "other"}],
                }
            ],
        }
    )

    assert set(other.split("\n")) == {
        *(" hba1c ", " 検査 ", " 山田 ", " 食後 ", " 部分 ", " 陽性 ", " 付記 ", " 装置 ", " meter "),
    }


def test_a_narrative_is_parted_at_blocks_and_not_at_words_in_bold() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><p>糖<b>尿</b>病 &amp; HbA1c</p><ul><li>胃<br/>癌</li></ul></div>'

    narrative, other = texts({"resourceType": "Condition", "text": {"status": "generated", "div": div}})

    assert narrative == " 糖尿病 hba1c \n 胃 \n 癌 "
    assert other == ""


def test_the_narrative_of_a_section_is_content() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">既往歴なし</div>'
    section = {"title": "既往歴", "text": {"status": "generated", "div": div}, "section": [{"title": "手術"}]}

    narrative, other = texts({"resourceType": "Composition", "title": "紹介状", "section": [section]})

    assert (narrative, other) == ("", " 紹介状 \n 既往歴 \n 既往歴ナシ \n 手術 ")


def test_what_a_bundle_holds_is_not_its_text() -> None:
    entry = {"resource": {"resourceType": "Condition", "code": {"text": "糖尿病"}}}

    assert content_row({"resourceType": "Bundle", "entry": [entry]}) == ()


def test_values_of_a_wrong_type_are_left_out() -> None:
    assert content_row({"resourceType": "Condition", "text": 1, "note": [{"text": 5}, None, "x"], "code": []}) == ()
    assert content_row({"resourceType": "Condition", "text": {"div": "no markup"}}) == ()
