"""The policies that a Consent may agree to: those of PCF by their URI, and FHIR's opt-in and opt-out.

https://profiles.ihe.net/ITI/PCF/volume-1.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.consent.purposes import NUMBERS
from app.consent.tables import DENY, PERMIT

PCF = "https://profiles.ihe.net/ITI/PCF/Policy-"
"""How the URIs of PCF's policies begin."""

_EFFECTS = {"permit": PERMIT, "deny": DENY}
_RULES = {"OPTIN": PERMIT, "OPTINR": PERMIT, "OPTOUT": DENY, "OPTOUTE": DENY}


@dataclass(frozen=True, slots=True)
class Policy:
    """What whoever agrees to a policy agrees to."""

    effect: int
    purposes: tuple[int, ...] = ()
    """The purposes that it speaks of where the provision names none; empty for any."""
    except_for: tuple[int, ...] = ()
    """Purposes for which a policy that denies permits."""


POLICIES: Mapping[str, Policy] = {
    f"{PCF}deny": Policy(DENY),
    f"{PCF}break-glass-only": Policy(DENY, except_for=(NUMBERS["BTG"],)),
    f"{PCF}basic-normal": Policy(PERMIT, (NUMBERS["TREAT"], NUMBERS["ETREAT"])),
    f"{PCF}all-normal": Policy(PERMIT),
}
"""The policies of PCF, the most protective first."""


def uris(consent: Mapping[str, Any]) -> list[str]:
    """Return the URIs of the policies that a Consent names."""
    return [policy["uri"] for policy in consent.get("policy", ()) if "uri" in policy]


def policy(consent: Mapping[str, Any]) -> Policy | None:
    """Return what a Consent decides at its root, before its provision limits it; None when it does not say.

    Whoever denies a policy denies what the provision speaks of, whichever policy it is. Of several policies the most
    protective holds. The text of a policy that the hub does not know is for people: the provision says what it means.
    """
    effect = _EFFECTS.get(consent.get("provision", {}).get("type", ""))
    if effect != DENY:
        named = uris(consent)
        for uri, known in POLICIES.items():
            if uri in named:
                return known
    if effect is None:
        codes = [coding.get("code") for coding in consent.get("policyRule", {}).get("coding", ())]
        effect = next((_RULES[code] for code in codes if code in _RULES), None)
    return None if effect is None else Policy(effect)
