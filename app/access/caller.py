"""Who calls: gate 1's result."""

from dataclasses import dataclass
from typing import Literal

from app.access.scopes import Scopes

Role = Literal["system", "doctor", "nurse", "pharmacist", "clerk", "secretariat", "auditor", "operator", "patient"]

ROLES: tuple[Role, ...] = (
    *("system", "doctor", "nurse", "pharmacist", "clerk", "secretariat", "auditor", "operator", "patient"),
)
"""Every role that a client or an account may have."""


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case of break-glass that is open for a caller."""

    number: int
    holder: bytes
    """The digest of the session or the token that it is open for."""
    patient_key: int
    """The Patient whose person it is about."""
    patient: str
    """The Patient's id."""
    begun: int
    """Microseconds since 1970 UTC."""
    ends: int
    """Microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a system that has proved who it is."""

    organisation: int
    """Key of the organisation it belongs to."""
    organisation_slug: str
    organisation_title: str
    organisation_reference: str
    """`Organization/<id>` of the directory."""
    role: Role
    purpose: str
    """Code of HL7 v3 PurposeOfUse, from the token or the sign-in."""
    client: str
    """The client's id; `portal` for a person's browser."""
    account: int = 0
    """Key of the person's account; 0 for a system."""
    user: str = ""
    """The account's name."""
    user_title: str = ""
    ends: int = 0
    """When this identity must be proved anew, in microseconds since 1970 UTC."""
    epoch: int = 0
    """The access epoch in which it was found."""
    must_change: bool = False
    """Whether the person must do something before anything else: choose a new password, or what `step` says."""
    step: str = ""
    """What that is: `password`, or `second-factor` where one is required and none was shown."""
    head: bool = False
    """Whether the person heads the organisation: confirms the rights of its people."""
    factors: str = ""
    """What the session was begun by, parted by spaces: `password totp`, `passkey`."""
    signed_in_before: int = 0
    """The sign-in before this one, in microseconds since 1970 UTC; 0 when there was none."""
    missed: int = 0
    """Wrong passwords and codes between that sign-in and this one."""
    scopes: Scopes | None = None
    """What the token is for; None when it leaves to the caller all that its role has."""
    patient_key: int = 0
    """Key of the Patient that an app was launched for; 0 when it was for none."""
    of_data: bool = True
    """Whether grants may be about single resources; false when there were none in the region in this epoch."""
    certificate: str = ""
    """The client certificate that the token is bound to, by its SHA-256; empty for none."""
    glass: tuple[OpenCase, ...] = ()
    """What is open to it by break-glass."""
    untold: int = 0
    """Cases of break-glass that its organisation was told of, and that nobody there has looked at."""
    link: bool = False
    """Whether a browser came by a system's link to images: it opens nothing else."""
    studies: tuple[str, ...] = ()
    """Of such a browser: the only StudyInstanceUIDs that it may see; none for all of the patient's."""
