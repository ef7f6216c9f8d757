import json

import pytest

from fhir.envelope import EnvelopeEntry
from fhir.issue import Issue
from fhir.resolve import resolve_internal


def entry(full_url: str | None, *links: str) -> EnvelopeEntry:
    resource = {"resourceType": "List", "entry": [{"item": {"reference": link}} for link in links]}
    return EnvelopeEntry(full_url=full_url, resource=json.dumps(resource).encode(), type="List")


PATIENT = EnvelopeEntry(full_url="http://h/fhir/Patient/1", resource=b'{"resourceType":"Patient"}')
GROUP = EnvelopeEntry(full_url="urn:uuid:g", resource=b'{"resourceType":"Group"}')


@pytest.mark.parametrize(
    ("full_url", "link", "becomes"),
    [
        ("urn:uuid:x", "urn:uuid:g", "Group/8"),
        (None, "urn:uuid:g", "Group/8"),
        ("http://h/fhir/List/2", "urn:uuid:g", "Group/8"),
        ("urn:uuid:x", "http://h/fhir/Patient/1", "Patient/7"),
        ("http://h/fhir/List/2", "Patient/1", "Patient/7"),
        ("http://h/fhir/List/2", "Patient/1/_history/3", "Patient/7"),
        ("urn:uuid:x", "http://h/fhir/Patient/1/_history/3", "Patient/7"),
        ("http://other/fhir/List/2", "Patient/1", None),
        ("https://h/fhir/List/2", "Patient/1", None),
        ("urn:uuid:x", "Patient/1", None),
        (None, "Patient/1", None),
        ("http://h/fhir/List/2", "Patient/2", None),
        ("http://h/fhir/List/2", "Patient/2/_history/1", None),
        ("urn:uuid:x", "http://h/fhir/Patient/2", None),
        ("urn:uuid:x", "Patient?identifier=5", None),
        ("urn:uuid:x", "#contained", None),
    ],
)
def test_a_link_means_the_entry_with_that_full_url(full_url, link, becomes):
    resolved = resolve_internal([PATIENT, GROUP, entry(full_url, link)], ["Patient/7", "Group/8", "List/9"])

    assert resolved.links[2].get(link) == becomes
    assert resolved.issues == ()


def test_a_placeholder_that_means_no_entry_is_an_issue_with_its_place():
    resolved = resolve_internal(
        [GROUP, entry("urn:uuid:x", "Patient/1", "urn:uuid:g", "urn:uuid:gone", "urn:oid:1.2")],
        ["Group/8", "List/9"],
    )

    assert resolved.issues == (
        Issue(
            "error",
            "not-found",
            "Bundle.entry[1].resource.entry[2].item.reference",
            "The reference means no entry of the Bundle.",
        ),
        Issue(
            "error",
            "not-found",
            "Bundle.entry[1].resource.entry[3].item.reference",
            "The reference means no entry of the Bundle.",
        ),
    )


def test_a_placeholder_of_an_entry_that_is_not_stored_is_an_issue():
    resolved = resolve_internal([GROUP, entry("urn:uuid:x", "urn:uuid:g")], [None, "List/9"])

    assert [issue.expression for issue in resolved.issues] == ["Bundle.entry[1].resource.entry[0].item.reference"]


def test_two_entries_with_one_full_url_are_an_issue_unless_they_are_one_resource():
    different = resolve_internal([GROUP, GROUP], ["Group/8", "Group/9"])
    same = resolve_internal([GROUP, GROUP], ["Group/8", "Group/8"])

    assert [(issue.code, issue.expression) for issue in different.issues] == [("duplicate", "Bundle.entry[1].fullUrl")]
    assert same.issues == ()


def test_a_uri_that_is_named_reference_is_no_placeholder():
    cited = EnvelopeEntry(resource=b'{"resourceType":"DetectedIssue","reference":"urn:oid:1.2.3"}')

    assert resolve_internal([cited], ["DetectedIssue/1"]).issues == ()


def test_a_bundle_in_an_entry_keeps_its_own_links():
    inner = EnvelopeEntry(type="Bundle", resource=b'{"resourceType":"Bundle","x":{"reference":"urn:uuid:inner"}}')

    resolved = resolve_internal([GROUP, inner], ["Group/8", "Bundle/9"])

    assert resolved.links[1] == {}
    assert resolved.issues == ()


def test_entries_without_a_resource_have_links_and_no_issues():
    resolved = resolve_internal([EnvelopeEntry(), GROUP], [None, "Group/8"])

    assert resolved.links == ({"urn:uuid:g": "Group/8"}, {"urn:uuid:g": "Group/8"})
    assert resolved.issues == ()
