import pytest

from fhir import errors


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("FhirError", 500, "exception"),
        ("InvalidValue", 400, "invalid"),
        ("UnknownParameter", 400, "invalid"),
        ("NotSupported", 400, "not-supported"),
        ("TooCostly", 403, "too-costly"),
        ("Unauthorized", 401, "login"),
        ("Forbidden", 403, "forbidden"),
        ("InsufficientScope", 403, "forbidden"),
        ("TooManyRequests", 429, "throttled"),
        ("NotFound", 404, "not-found"),
        ("NotSearched", 404, "not-supported"),
        ("MethodNotAllowed", 405, "not-supported"),
        ("NotAcceptable", 406, "not-supported"),
        ("Conflict", 409, "conflict"),
        ("Deleted", 410, "deleted"),
        ("Expired", 410, "not-found"),
        ("VersionConflict", 412, "conflict"),
        ("MultipleMatches", 412, "multiple-matches"),
        ("TooLarge", 413, "too-long"),
        ("UnsupportedMediaType", 415, "not-supported"),
        ("UnsupportedPatch", 415, "not-supported"),
        ("RangeNotSatisfiable", 416, "invalid"),
        ("NotOffered", 501, "not-supported"),
        ("Unprocessable", 422, "processing"),
    ],
)
def test_a_failure_has_the_status_and_the_issue_type_of_its_name(name, status, code):
    failure = getattr(errors, name)("why", "Patient.name")

    assert (failure.status, failure.code) == (status, code)
    assert (failure.diagnostics, failure.expression, str(failure)) == ("why", "Patient.name", "why")
    assert isinstance(failure, errors.FhirError)


def test_an_unprocessable_resource_carries_its_issues_in_order():
    failure = errors.Unprocessable("two things", issues=["first", "second"])

    assert failure.issues == ("first", "second")


def test_there_is_no_failure_without_a_line_above():
    names = {name for name, value in vars(errors).items() if isinstance(value, type) and name[0].isupper()}

    assert len(names - {"Any", "ClassVar", "Mapping", "Sequence"}) == 25
