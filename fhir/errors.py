"""Failures that have a FHIR name: each carries the HTTP status and the issue type it is rendered with.

https://hl7.org/fhir/R4/valueset-issue-type.html, https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class FhirError(Exception):
    """What a request fails with; raised anywhere, rendered as an OperationOutcome in one place.

    Attributes:
        status: HTTP status code.
        code: FHIR issue type.
        details: A CodeableConcept for the caller's program, or None.
        diagnostics: One English sentence for the caller; it holds no patient data but what the caller sent.
        expression: FHIRPath or parameter name the failure is about, or None.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"
    details: ClassVar[Mapping[str, Any] | None] = None

    def __init__(self, diagnostics: str = "", expression: str | None = None) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics
        self.expression = expression


class InvalidValue(FhirError):
    """A value is not of the form its type demands."""

    status = 400
    code = "invalid"


class UnknownParameter(FhirError):
    """The resource type has no such search parameter."""

    status = 400
    code = "invalid"


class NotSupported(FhirError):
    """The standard knows it, this server does not do it."""

    status = 400
    code = "not-supported"


class Unauthorized(FhirError):
    """The caller is not known."""

    status = 401
    code = "login"


class Forbidden(FhirError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class InsufficientScope(Forbidden):
    """The caller is known, and its token is not for this.

    https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    """


class TooCostly(FhirError):
    """The search may be asked, but it would take more than one caller's share of the server."""

    status = 403
    code = "too-costly"


class NotFound(FhirError):
    """The resource does not exist for this caller."""

    status = 404
    code = "not-found"


class NotSearched(NotFound):
    """A search of what is no resource type here.

    https://profiles.ihe.net/PCC/QEDm/PCC-44.html#message-semantics: the answer names this code.
    """

    code = "not-supported"
    details: ClassVar[Mapping[str, Any]] = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/operation-outcome", "code": "MSG_NO_MATCH"}],
        "text": "No Resource found matching the query",
    }


class MethodNotAllowed(FhirError):
    """The address exists, the method does not.

    Attributes:
        allowed: The methods that do.
    """

    status = 405
    code = "not-supported"

    def __init__(self, diagnostics: str = "", expression: str | None = None, *, allowed: Sequence[str] = ()) -> None:
        super().__init__(diagnostics, expression)
        self.allowed = tuple(allowed)


class NotAcceptable(FhirError):
    """No representation the caller accepts can be made."""

    status = 406
    code = "not-supported"


class Conflict(FhirError):
    """The write contradicts what is stored."""

    status = 409
    code = "conflict"


class Deleted(FhirError):
    """The resource existed and was deleted."""

    status = 410
    code = "deleted"


class Expired(FhirError):
    """What a link leads to was kept for a time that is over."""

    status = 410
    code = "not-found"


class VersionConflict(FhirError):
    """The precondition (`If-Match`, a conditional write) does not hold."""

    status = 412
    code = "conflict"


class MultipleMatches(FhirError):
    """The condition of a write is not selective enough."""

    status = 412
    code = "multiple-matches"


class TooLarge(FhirError):
    """The body is larger than the server takes."""

    status = 413
    code = "too-long"


class UnsupportedMediaType(FhirError):
    """The body is in a format the server does not read."""

    status = 415
    code = "not-supported"


class UnknownTerminology(FhirError):
    """The answer hangs on a code system or value set that is not known here, or not as a whole."""

    status = 422
    code = "not-found"


class UnsupportedPatch(UnsupportedMediaType):
    """The patch is in a format the server does not read.

    Attributes:
        taken: The media types that it reads.
    """

    def __init__(self, diagnostics: str = "", expression: str | None = None, *, taken: Sequence[str] = ()) -> None:
        super().__init__(diagnostics, expression)
        self.taken = tuple(taken)


class TooManyRequests(FhirError):
    """The caller has asked too often, and is to wait.

    Attributes:
        retry_after: Seconds until it may ask again; 0 when that is not known.
    """

    status = 429
    code = "throttled"

    def __init__(self, diagnostics: str = "", expression: str | None = None, *, retry_after: float = 0.0) -> None:
        super().__init__(diagnostics, expression)
        self.retry_after = retry_after


class RangeNotSatisfiable(FhirError):
    """The range of octets that is asked for lies outside of what there is.

    Attributes:
        size: Octets of the whole.
    """

    status = 416
    code = "invalid"

    def __init__(self, diagnostics: str = "", expression: str | None = None, *, size: int = 0) -> None:
        super().__init__(diagnostics, expression)
        self.size = size


class NotOffered(FhirError):
    """A service of the standard as a whole, which this server does not have."""

    status = 501
    code = "not-supported"


class Unprocessable(FhirError):
    """The resource breaks a rule of its type or profile; `issues` says which, in the order found."""

    status = 422
    code = "processing"

    def __init__(self, diagnostics: str = "", expression: str | None = None, issues: Sequence[object] = ()) -> None:
        super().__init__(diagnostics, expression)
        self.issues = tuple(issues)
