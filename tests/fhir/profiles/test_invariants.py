"""Each invariant refuses what breaks it and lets pass what comes near."""

import pytest

from fhir.profiles.invariants import INVARIANTS
from fhir.spec.elements import elements

CODES = "http://terminology.hl7.org/CodeSystem/"


def concept(system, code):
    return {"coding": [{"system": CODES + system, "code": code}]}


WRONG = concept("allergyintolerance-verification", "entered-in-error")
WRONG_CONDITION = concept("condition-ver-status", "entered-in-error")
A, B = {"coding": [{"code": "a", "display": "A"}]}, {"coding": [{"code": "a", "display": "B"}]}
ENTRY = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient"}}
ROWS = [
    ("ext-1", {"url": "u"}, {"url": "u", "valueString": "a"}),
    ("ext-1", {"url": "u", "extension": [], "_valueCode": {}}, {"url": "u", "_valueString": {}}),
    ("ext-1", {"url": "u", "extension": [], "valueCode": "a"}, {"url": "u", "extension": []}),
    ("per-1", {"start": "2024-05-02", "end": "2024-05-01"}, {"start": "2024-05-01", "end": "2024-05-01"}),
    ("per-1", {"start": "2025", "end": "2024-05-01"}, {"start": "2024-05", "end": "2024"}),
    (
        "per-1",
        {"start": "2024-05-02T00:00:00Z", "end": "2024-05-01"},
        {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01"},
    ),
    (
        "per-1",
        {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01T18:59:59.9+09:00"},
        {"start": "2024-05-01T10:00:00Z", "end": "2024-05-01T19:00:00+09:00"},
    ),
    (
        "per-1",
        {"start": "2015-07-01T00:00:00Z", "end": "2015-06-30T23:59:60Z"},
        {"start": "2015-06-30T23:59:60Z", "end": "2015-07-01T00:00:00Z"},
    ),
    ("per-1", {"start": "9999-12-31T23:59:59-14:00", "end": "0001-01-01T00:00:00+14:00"}, {"start": "2024"}),
    ("per-1", {"start": "2025", "end": "2024"}, {"end": "2024"}),
    ("qty-3", {"code": "g"}, {"code": "g", "system": "urn:a"}),
    ("rat-1", {"numerator": {}}, {"numerator": {}, "denominator": {}}),
    ("rat-1", {"id": "r"}, {"extension": []}),
    ("att-1", {"data": "QUJD"}, {"data": "QUJD", "contentType": "text/plain"}),
    ("cpt-2", {"value": "1"}, {"value": "1", "_system": {}}),
    ("tim-1", {"duration": 1}, {"duration": 1, "durationUnit": "h"}),
    ("tim-2", {"period": 1}, {"period": 1, "periodUnit": "h"}),
    ("tim-10", {"timeOfDay": ["10:00:00"], "when": ["HS"]}, {"when": ["HS"]}),
    ("pat-1", {"gender": "male"}, {"telecom": []}),
    ("org-1", {"active": True}, {"name": "県立病院"}),
    ("obs-3", {"type": {}}, {"text": "< 5"}),
    ("obs-6", {"dataAbsentReason": {}, "valueString": "a"}, {"dataAbsentReason": {}}),
    ("obs-6", {"dataAbsentReason": {}, "_valueString": {}}, {"valueString": "a"}),
    (
        "obs-7",
        {"code": A, "valueString": "a", "component": [{"code": B}, {"code": A}]},
        {"code": A, "component": [{"code": A}]},
    ),
    (
        "obs-7",
        {"code": A, "valueString": "a", "component": [{"code": A}]},
        {"code": A, "valueString": "a", "component": [{"code": B}]},
    ),
    ("obs-7", {"code": A, "valueString": "a", "component": [{"code": A}]}, {"code": A, "valueString": "a"}),
    ("ait-1", {}, {"clinicalStatus": {}}),
    (
        "ait-1",
        {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"verificationStatus": WRONG},
    ),
    ("ait-2", {"clinicalStatus": {}, "verificationStatus": WRONG}, {"verificationStatus": WRONG}),
    ("ait-2", {"clinicalStatus": {}, "verificationStatus": WRONG}, {"clinicalStatus": {}}),
    (
        "con-4",
        {"abatementAge": {}},
        {"abatementAge": {}, "clinicalStatus": concept("condition-clinical", "resolved")},
    ),
    ("con-4", {"abatementAge": {}, "clinicalStatus": concept("condition-clinical", "active")}, {}),
    ("con-5", {"clinicalStatus": {}, "verificationStatus": WRONG_CONDITION}, {"clinicalStatus": {}}),
    ("ppc-1", {"status": "active"}, {"policyRule": {}}),
    ("qrs-1", {"answer": [], "item": []}, {"item": []}),
    ("bdl-1", {"type": "batch", "total": 1}, {"type": "searchset", "total": 1}),
    (
        "bdl-2",
        {"type": "history", "entry": [{"search": {}}]},
        {"type": "searchset", "entry": [{"search": {}}]},
    ),
    ("bdl-3", {"type": "batch", "entry": [{}]}, {"type": "batch", "entry": [{"request": {}}]}),
    ("bdl-3", {"type": "collection", "entry": [{"request": {}}]}, {"type": "collection", "entry": [{}]}),
    ("bdl-4", {"type": "history", "entry": [{}]}, {"type": "history", "entry": [{"response": {}}]}),
    ("bdl-4", {"type": "document", "entry": [{"response": {}}]}, {"type": "document"}),
    ("bdl-5", {"fullUrl": "urn:uuid:1"}, {"request": {}}),
    ("bdl-7", {"type": "batch", "entry": [ENTRY, ENTRY]}, {"type": "history", "entry": [ENTRY, ENTRY]}),
    (
        "bdl-7",
        {"entry": [ENTRY, {"resource": {}}, {**ENTRY, "resource": {"meta": 1}}]},
        {
            "entry": [
                {**ENTRY, "resource": {"meta": {"versionId": "1"}}},
                {**ENTRY, "resource": {"meta": {"versionId": "2"}}},
            ]
        },
    ),
    ("bdl-8", {"fullUrl": "http://a/Patient/1/_history/2"}, {"fullUrl": "http://a/Patient/1"}),
    (
        "bdl-9",
        {"type": "document", "identifier": {"value": "1"}},
        {"type": "document", "identifier": {"system": "urn:a", "value": "1"}},
    ),
    ("bdl-9", {"type": "document"}, {"type": "message"}),
    ("bdl-10", {"type": "document"}, {"type": "document", "timestamp": "2024-05-01T00:00:00Z"}),
    (
        "bdl-11",
        {"type": "document", "entry": [ENTRY]},
        {"type": "document", "entry": [{"resource": {"resourceType": "Composition"}}]},
    ),
    ("bdl-11", {"type": "document", "entry": [{"fullUrl": "urn:a"}]}, {"type": "document"}),
    (
        "bdl-12",
        {"type": "message", "entry": [ENTRY]},
        {"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]},
    ),
]


@pytest.mark.parametrize(("key", "broken", "kept"), ROWS, ids=[f"{row[0]}-{n}" for n, row in enumerate(ROWS)])
def test_an_invariant_refuses_what_breaks_it_only(key, broken, kept):
    holds = INVARIANTS[key].holds

    assert not holds(broken)
    assert holds(kept)


def test_every_invariant_has_a_row_and_an_existing_place():
    assert {row[0] for row in ROWS} == INVARIANTS.keys()
    for invariant in INVARIANTS.values():
        assert all(elements(path) for path in invariant.paths)


def test_codings_are_compared_in_linear_time():
    codings = [{"code": str(n)} for n in range(50_000)]
    others = [{"code": f"x{n}"} for n in range(50_000)]

    assert INVARIANTS["obs-7"].holds(
        {"code": {"coding": codings}, "valueString": "a", "component": [{"code": {"coding": others}}]}
    )
