"""Which resources stand in which section of a summary, by what they say of themselves.

https://hl7.org/fhir/uv/ips/Structure-of-the-International-Patient-Summary.html
"""

from collections.abc import Callable

from fhir.documents.facts import Resource, codes

Belongs = Callable[[Resource], bool]

PAST = frozenset(("inactive", "remission", "resolved"))
"""Clinical states of what is over."""

_UNTRUE = frozenset(("entered-in-error", "refuted"))
# A status with which a resource says of itself that nothing has happened yet, will not, or was never so.
_VOID = frozenset(
    (
        *("entered-in-error", "cancelled", "draft", "registered", "not-done", "not-taken", "preparation"),
        "declined",
    )
)
_VITAL_SIGNS = frozenset(("vital-signs",))
_SOCIAL = frozenset(("social-history",))
_DAILY_LIFE = frozenset(("functional-status", "disability-status"))

NO_RESULT = _VITAL_SIGNS | _SOCIAL | _DAILY_LIFE | {"survey", "activity"}
"""Categories of Observations that are no results: https://hl7.org/fhir/R4/valueset-observation-category.html."""

PREGNANCY = frozenset(
    (
        *("82810-3", "11778-8", "11779-6", "11780-4", "11636-8", "11637-6", "11638-4", "11639-2", "11640-0"),
        *("11612-9", "11613-7", "11614-5", "33065-4"),
    )
)
"""LOINC codes of IPS about pregnancies: the state, the expected date, the outcomes."""

LIFE = frozenset(("72166-2", "74013-4"))
"""LOINC codes of IPS about tobacco and alcohol."""

DIRECTIVES = frozenset(("acd", "dnr", "emrgonly", "hcd", "42348-3", "64298-3"))
"""Categories of Consents that are directives: https://hl7.org/fhir/R4/valueset-consent-category.html."""

STORY = frozenset(("81338-6",))
_NAMED_ELSEWHERE = PREGNANCY | STORY | LIFE


def is_true(resource: Resource) -> bool:
    """Return whether nobody has taken it back."""
    return not codes(resource.get("verificationStatus")) & _UNTRUE


def is_done(resource: Resource) -> bool:
    """Return whether it happened, or is going on."""
    return resource.get("status") not in _VOID and not resource.get("doNotPerform")


def is_active(resource: Resource) -> bool:
    """Return whether it says that it is active."""
    return resource.get("status") == "active"


def is_planned(resource: Resource) -> bool:
    """Return whether a plan is followed, or rests."""
    return resource.get("status") in ("active", "on-hold")


def is_current(resource: Resource) -> bool:
    """Return whether a problem is not over, or does not say so."""
    return _is_problem(resource) and not codes(resource.get("clinicalStatus")) & PAST


def is_past(resource: Resource) -> bool:
    """Return whether a problem is over."""
    return _is_problem(resource) and bool(codes(resource.get("clinicalStatus")) & PAST)


def is_result(resource: Resource) -> bool:
    """Return whether it is a result of an examination."""
    elsewhere = codes(resource.get("category")) & NO_RESULT or codes(resource.get("code")) & _NAMED_ELSEWHERE
    return is_done(resource) and not elsewhere


def is_vital_sign(resource: Resource) -> bool:
    """Return whether it is a vital sign."""
    return is_done(resource) and bool(codes(resource.get("category")) & _VITAL_SIGNS)


def is_of_pregnancy(resource: Resource) -> bool:
    """Return whether it tells of a pregnancy."""
    return is_done(resource) and bool(codes(resource.get("code")) & PREGNANCY)


def is_of_life(resource: Resource) -> bool:
    """Return whether it tells how somebody lives: smoking, alcohol; a pregnancy has a section of its own."""
    of_life = codes(resource.get("category")) & _SOCIAL | codes(resource.get("code")) & LIFE
    return is_done(resource) and bool(of_life) and not codes(resource.get("code")) & PREGNANCY


def is_of_function(resource: Resource) -> bool:
    """Return whether it tells what somebody can do in daily life."""
    if resource["resourceType"] == "ClinicalImpression":
        return resource.get("status") == "completed"
    return is_true(resource) and _is_of_daily_life(resource)


def is_directive(resource: Resource) -> bool:
    """Return whether it is what somebody has decided beforehand."""
    if resource["resourceType"] == "DocumentReference":
        return resource.get("status") == "current" and "42348-3" in codes(resource.get("type"))
    scope, kinds = codes(resource.get("scope")), codes(resource.get("category"))
    return is_active(resource) and ("adr" in scope or bool(kinds & DIRECTIVES))


def is_of_the_story(resource: Resource) -> bool:
    """Return whether it tells what matters to the patient."""
    if resource["resourceType"] == "DocumentReference":
        return resource.get("status") == "current" and bool(codes(resource.get("type")) & STORY)
    return is_done(resource) and bool(codes(resource.get("code")) & STORY)


def _is_problem(resource: Resource) -> bool:
    return is_true(resource) and not _is_of_daily_life(resource)


def _is_of_daily_life(resource: Resource) -> bool:
    return bool(codes(resource.get("category")) & _DAILY_LIFE)
