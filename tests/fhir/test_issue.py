from fhir.issue import Issue, outcome


def test_an_outcome_holds_the_issues_in_their_order():
    issues = [
        Issue("error", "required", "Observation.status", "The element status is required."),
        Issue("warning", "not-supported", "", "The parameter is ignored."),
    ]

    resource = outcome(issues)

    assert resource == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "diagnostics": "The element status is required.",
                "expression": ["Observation.status"],
            },
            {"severity": "warning", "code": "not-supported", "diagnostics": "The parameter is ignored."},
        ],
    }


def test_an_outcome_without_issues_says_so():
    resource = outcome([])

    assert resource["issue"] == [
        {"severity": "information", "code": "informational", "diagnostics": "No issues were found."}
    ]
