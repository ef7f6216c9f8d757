"""Issues: what is wrong with a resource, and the OperationOutcome that says so.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding about a resource or a request."""

    severity: Severity
    """`error` refuses the resource; the others do not."""
    code: str
    """An IssueType code: `structure`, `required`, `value`, `invariant`, `code-invalid`, `too-costly` …"""
    expression: str
    """Where: a simple FHIRPath such as `Patient.name[1].given[0]`; empty when nothing can be pointed at."""
    diagnostics: str
    """What is wrong, as an English sentence. Never holds a value that could be about a person."""
    details: Mapping[str, Any] | None = field(default=None, compare=False)
    """A CodeableConcept of what is wrong, where a profile names one."""


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Return an OperationOutcome resource that holds the issues in their order.

    An OperationOutcome needs one issue at least: without any, it says that nothing was found.
    """
    found = list(issues) or [Issue("information", "informational", "", "No issues were found.")]
    return {"resourceType": "OperationOutcome", "issue": [_component(issue) for issue in found]}


def _component(issue: Issue) -> dict[str, Any]:
    component: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.diagnostics,
    }
    if issue.details is not None:
        component["details"] = dict(issue.details)
    if issue.expression:
        component["expression"] = [issue.expression]
    return component
