import base64
import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.demo.chart import chart
from app.demo.documents import documents
from app.demo.referral import referral
from app.demo.region import region

REGION = region()
FOUND = [(site.slug, token, bundle) for site in REGION.sites for token, bundle in documents(REGION, site.slug)]
URN = re.compile(r"urn:uuid:[0-9a-f-]{36}")


def by_title(title):
    return [(slug, bundle) for slug, _, bundle in FOUND if bundle["entry"][0]["resource"]["title"] == title]


def sections(bundle):
    """Code to section, of both levels."""
    found = {}
    for section in bundle["entry"][0]["resource"]["section"]:
        for one in (section, *section.get("section", [])):
            found[one["code"]["coding"][0]["code"]] = one
    return found


def document_of(title, person, site):
    number = REGION.person(person).at(site).number
    return next(
        bundle
        for slug, bundle in by_title(title)
        if slug == site and bundle["entry"][1]["resource"]["identifier"][0]["value"] == number
    )


def test_clinics_write_letters_and_hospitals_summaries():
    letters, summaries = by_title("診療情報提供書"), by_title("退院時サマリー")

    assert (len(letters), len(summaries)) == (9, 21)
    assert {slug for slug, _ in letters} == {"clinic-c", "clinic-d", "clinic-e"}
    assert {slug for slug, _ in summaries} == {"hospital-a", "hospital-b"}


def test_a_document_begins_with_composition_and_patient():
    for _, token, bundle in FOUND:
        assert bundle["type"] == "document"
        composition, patient = (entry["resource"] for entry in bundle["entry"][:2])
        assert composition["resourceType"] == "Composition"
        assert patient["resourceType"] == "Patient"
        assert patient["identifier"][0] == token
        assert composition["subject"]["reference"] == bundle["entry"][1]["fullUrl"]


def test_every_reference_is_of_an_entry_of_the_document():
    for _, _, bundle in FOUND:
        urls = [entry["fullUrl"] for entry in bundle["entry"]]

        assert len(set(urls)) == len(urls)
        assert set(URN.findall(json.dumps(bundle))) == set(urls)
        assert not re.search(r'"reference": "(?!urn:uuid:)', json.dumps(bundle))


def test_every_entry_is_named_by_something():
    for _, _, bundle in FOUND:
        text = json.dumps([entry["resource"] for entry in bundle["entry"]])
        for entry in bundle["entry"][1:]:
            assert entry["fullUrl"] in text


def test_no_two_documents_share_a_url():
    urls = [entry["fullUrl"] for _, _, bundle in FOUND for entry in bundle["entry"]]

    assert len(set(urls)) == len(urls)


def test_bundle_identifiers_have_the_form_of_jp_clins_and_differ():
    values = [bundle["identifier"]["value"] for _, _, bundle in FOUND]

    assert all(re.fullmatch(r"[0-4][0-9][1-3][0-9]{7}\^20[2-3][0-9]\^[A-Za-z0-9\-]{1,36}", value) for value in values)
    assert len(set(values)) == len(values)


def test_a_letter_says_from_whom_to_whom_and_why():
    found = document_of("診療情報提供書", "tome", "clinic-e")

    assert list(sections(found)) == [
        "920",
        "910",
        "300",
        *["950", "340", "360", "370", "510", "640", "430", "620"],
    ]
    parts = sections(found)
    assert "東雲通りのだいち医院 東雲 大地" in parts["920"]["text"]["div"]
    assert "北緑白樺台記念病院" in parts["910"]["text"]["div"]
    assert [entry["type"] for entry in parts["910"]["entry"]] == ["Organization", "Practitioner"]
    assert "入院加療をお願いします" in parts["950"]["text"]["div"]
    assert parts["620"]["entry"]
    assert "アモキシシリン" in parts["510"]["text"]["div"]


def test_a_letter_is_not_written_after_the_event():
    for slug, bundle in by_title("診療情報提供書"):
        number = bundle["entry"][1]["resource"]["identifier"][0]["value"]
        patient = next(patient for patient in REGION.patients(slug) if patient.number == number)
        assert bundle["timestamp"][:10] <= chart(REGION, slug, patient).event.isoformat()


def test_nobody_writes_a_letter_before_they_have_seen_the_patient():
    known = chart(REGION, "clinic-c", REGION.person("kiichiro").at("clinic-c"))
    unseen = replace(known, start=known.event + timedelta(days=1))

    assert referral(known) is not None
    assert referral(unseen) is None


def test_who_is_known_at_no_hospital_is_referred_to_none():
    assert referral(chart(REGION, "clinic-c", REGION.person("shigeki").at("clinic-c"))) is None


def test_a_summary_has_the_mandatory_sections():
    for _, bundle in by_title("退院時サマリー"):
        mandatory = {"322", "342", "352", "312", "362", "333", "324", "344", "444", "424"}
        assert mandatory <= set(sections(bundle))


def test_a_summary_tells_the_stay():
    found = document_of("退院時サマリー", "fumi", "hospital-b")

    parts = sections(found)
    assert "32日間" in parts["322"]["text"]["div"]
    assert "人工骨頭挿入術（右股）" in parts["713"]["text"]["div"]
    assert "アレンドロン酸錠３５ｍｇ" in parts["444"]["text"]["div"]
    composition = found["entry"][0]["resource"]
    period = composition["event"][0]["period"]
    stay = (date.fromisoformat(period["end"]) - date.fromisoformat(period["start"])).days
    assert stay == 32
    assert "code" not in composition["event"][0]


def test_the_hospital_course_is_a_document_with_its_text_inside():
    found = document_of("退院時サマリー", "fumi", "hospital-b")
    url = sections(found)["333"]["entry"][0]["reference"]
    course = next(entry["resource"] for entry in found["entry"] if entry["fullUrl"] == url)

    text = base64.b64decode(course["content"][0]["attachment"]["data"]).decode()

    assert text.startswith("入院２日目に人工骨頭挿入術を施行した。")


def test_a_document_does_not_tell_what_is_kept_back():
    text = json.dumps([bundle for _, _, bundle in FOUND], ensure_ascii=False)

    assert "乳癌" in text
    assert "転移性骨腫瘍" not in text
    assert "うつ病" not in text


def test_a_stay_that_is_not_over_has_no_summary():
    stay_end = REGION.person("yuina").birth
    during = region(today=stay_end)

    numbers = [token["value"] for token, _ in documents(during, "hospital-b")]

    assert REGION.person("ayaka").at("hospital-b").number not in numbers


def test_an_unknown_site_is_a_key_error():
    with pytest.raises(KeyError):
        list(documents(REGION, "nowhere"))
