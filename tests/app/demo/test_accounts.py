from app.demo.accounts import logical, practitioner
from app.demo.region import region

REGION = region()


def test_a_practitioner_is_named_in_kanji_and_kana():
    account = REGION.doctor("clinic-c", "内科")

    found = practitioner(account, REGION.site("clinic-c"))

    assert [name["text"] for name in found["name"]] == ["川辺 史郎", "カワベ シロウ"]


def test_a_reference_by_identifier_names_the_practitioner():
    account, site = REGION.doctor("clinic-c", "内科"), REGION.site("clinic-c")

    found = logical(account, site)

    assert found["identifier"] == practitioner(account, site)["identifier"][0]
    assert found["display"] == "川辺 史郎"
    assert "reference" not in found
