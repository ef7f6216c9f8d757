"""Gate 2: from a caller to what it may see and what it may write."""

from dataclasses import dataclass

from app.access.caller import Caller, Role
from app.consent.break_glass.opens import GlassLabels
from app.consent.purposes import NUMBERS
from app.consent.visibility import EVERY_CATEGORY, CallerVisibility, visibility
from app.consent.within import Within, limits
from fhir.store.categories import Category
from fhir.store.connection import Visibility


def _mask(*categories: Category) -> int:
    return sum(1 << category for category in categories)


_CLINICAL = EVERY_CATEGORY & ~_mask(Category.AUDIT)
_DESK = _mask(Category.DIRECTORY, Category.IDENTITY, Category.CONSENT, Category.ENCOUNTER, Category.DOCUMENT)
_OFFICE = _mask(Category.DIRECTORY, Category.IDENTITY, Category.CONSENT)

SEES: dict[Role, int] = {
    "system": _CLINICAL,
    "doctor": _CLINICAL,
    "nurse": _CLINICAL,
    "pharmacist": _CLINICAL,
    "clerk": _DESK,
    "secretariat": _OFFICE,
    "auditor": _mask(Category.DIRECTORY),
    "operator": _mask(Category.DIRECTORY),
    "patient": 0,
}
"""The categories that each role may see at all; 安全管理ガイドライン 6.0 シス14⑤."""

SEES_EVERYWHERE: dict[Role, int] = {"secretariat": _OFFICE}
"""The categories that a role sees of every site without a grant: the secretariat administers persons and consents."""

_CLINICAL_WRITES = EVERY_CATEGORY & ~_mask(Category.AUDIT, Category.CONSENT)

WRITES: dict[Role, int] = {
    "system": _CLINICAL_WRITES | _mask(Category.CONSENT),
    "doctor": _mask(Category.CONSENT),
    "nurse": _mask(Category.CONSENT),
    "clerk": _mask(Category.CONSENT),
    "secretariat": _mask(Category.CONSENT, Category.DIRECTORY),
}
"""The categories that each role may write."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What a caller may write: rows of its own custodianship, in the categories of its role."""

    custodian: int
    custodian_slug: str
    categories: int
    any_id: bool
    """Whether an update may create a resource under any id."""
    any_patient: bool
    """Whether it may write about patients of other custodians: the secretariat's Consents."""

    def may_write(self, category: Category) -> bool:
        """Return whether the role writes this category at all."""
        return bool(self.categories >> category & 1)

    def may_create_id(self, id_: str) -> bool:
        """Return whether an update may create a resource with this id."""
        return self.any_id or id_.startswith(f"{self.custodian_slug}-")


def implies(region: str, purpose: str) -> bool:
    """Return whether a region discloses, for a purpose of use, what is about a person who has recorded no Consent.

    Args:
        region: The setting `consent`. Of PCF's overarching policies, `explicit` is Policy-deny, `implied` is
            Policy-all-normal, `implied-treatment` is Policy-basic-normal.
        purpose: The code of the purpose of use.
    """
    return region == "implied" or (region == "implied-treatment" and purpose in ("TREAT", "ETREAT"))


def finds(region: str, purpose: str) -> bool:
    """Return whether, for a purpose of use, Patients of other sites are found whose persons do not refuse it.

    Args:
        region: The setting `find_patients`.
        purpose: The code of the purpose of use: who treats somebody must first find out who that is.
    """
    return region == "region" and purpose in ("TREAT", "ETREAT", "BTG")


NO_ACCOUNT = -2
"""Stands for the account of a system; not NOBODY, which stands in grants for a person that the hub does not know."""


def may_see(
    caller: Caller, *, now: int, implied: bool, finds: bool = False, glass_labels: GlassLabels = "withheld"
) -> CallerVisibility:
    """Return what `caller` may see at the instant `now`, microseconds since 1970 UTC.

    Args:
        caller: Who asks.
        now: The instant.
        implied: Whether a person without a Consent counts as permitting.
        finds: Whether Patients of other sites are found whose persons do not refuse it.
        glass_labels: The setting `break_glass_labels`.
    """
    return visibility(
        organisation=caller.organisation,
        account=caller.account or NO_ACCOUNT,
        purpose=NUMBERS[caller.purpose],
        categories=SEES[caller.role],
        everywhere=SEES_EVERYWHERE.get(caller.role, 0),
        now=now,
        epoch=caller.epoch,
        implied=implied,
        of_data=caller.of_data,
        glass=(caller.glass[0].holder, glass_labels) if caller.glass else None,
        finds=finds,
    )


def within(seen: Visibility, caller: Caller, letters: str) -> Visibility:
    """Return what of what `caller` may see the scopes of its token open for some letters of `cruds`."""
    if caller.scopes is None:
        return seen
    left = limits(caller.scopes, letters)
    return seen if left.whole else Within(seen, left, caller.patient_key)


def may_write(caller: Caller, *, any_id: bool) -> Authority:
    """Return what `caller` may write; `any_id` is the setting of a single-owner hub."""
    return Authority(
        caller.organisation,
        caller.organisation_slug,
        WRITES.get(caller.role, 0),
        any_id,
        caller.role == "secretariat",
    )
