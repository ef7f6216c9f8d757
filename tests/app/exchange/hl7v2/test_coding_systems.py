"""What names of coding systems mean at a site."""

import pytest

from app.exchange.hl7v2.coding_systems import WrongCodingSystems, coding_systems
from app.exchange.hl7v2.to_fhir.source import Source

SETTING = "LENDO=http://example.org/endoscopy, hospital-a/99XY1=http://example.org/a, 99XY1=urn:x:departments"


def test_what_is_said_of_a_site_goes_before_what_is_said_of_all():
    assert coding_systems(SETTING, "hospital-a")["99XY1"] == "http://example.org/a"
    assert coding_systems(SETTING, "hospital-b") == {
        "LENDO": "http://example.org/endoscopy",
        "99XY1": "urn:x:departments",
    }
    assert coding_systems("", "hospital-a") == {}


@pytest.mark.parametrize("wrong", ["LENDO", "=http://example.org", "A=b", "A=http://example.org/with space"])
def test_what_cannot_be_read_is_refused(wrong):
    with pytest.raises(WrongCodingSystems):
        coding_systems(wrong, "")


def test_a_site_names_systems_by_its_own_words_before_the_known_ones():
    site = Source("a", "0110123456", coding_systems("JC10=http://example.org/old", "a"))

    assert site.system_of("JC10") == "http://example.org/old"
    assert site.system_of("HL70162") == "http://terminology.hl7.org/CodeSystem/v2-0162"
    assert site.system_of("99AB") == "urn:renkei:site:0110123456:99AB"
    assert site.system_of("JHSD0001") == "urn:renkei:coding-system:JHSD0001"
    assert site.system_of("http://example.org/x") == "http://example.org/x"
