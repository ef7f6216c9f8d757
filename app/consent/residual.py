"""The token extension `ihe_pcf`: what a person's Consents leave to be enforced once a token is given.

https://profiles.ihe.net/ITI/PCF/other.html#updates-to-iti-71. The hub itself enforces the grants that the Consents
compile to, on each request; the extension tells other resource servers, in PCF's words: what is forbidden is not given
out, but for what is permitted after all. Limits for which PCF has no words (whose records, which kinds) are not in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.consent.majority import permits_end
from app.consent.policies import policy
from app.consent.provisions import DECIDED, is_privacy
from app.consent.purposes import NUMBERS
from app.consent.scope import ROLES
from app.consent.tables import DENY, PERMIT
from fhir.search.date import interval
from fhir.search.reference import target

_EFFECTS = {"permit": PERMIT, "deny": DENY}
_LIMITS = ("securityLabel", "dataPeriod", "data")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a token about a patient, and under which rules."""

    who: frozenset[str]
    """All that a Consent may call the caller: references `Type/id` of person, role and organisation; identifiers."""
    purpose: str
    """Code of the purpose of use."""
    now: int
    """Microseconds since 1970 UTC."""
    patient: Mapping[str, Any]
    """The Patient."""
    base_url: str
    """The address under which the Consents and what they name are to be had, without a slash at the end."""
    implied: bool = False
    """Whether a person who has recorded nothing counts as permitting."""
    majority: int = 0
    """The age in years at which what was permitted in a minor's place ends; 0 for never."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No token is given: the answer is OAuth's error of this code."""

    error: str
    """RFC 6749 §5.2: what is asked for exceeds what the person granted."""
    description: str


REFUSED = Refusal("invalid_scope", "No consent of the patient permits this")


@dataclass(frozen=True, slots=True)
class _Word:
    """What one Consent says to the caller."""

    permits: bool = False
    limited: bool = False
    """Whether it permits no more than its rules say."""
    refuses: bool = False
    rules: tuple[dict[str, Any], ...] = ()


def _is_named(provision: Mapping[str, Any], asking: Asking) -> bool:
    receivers = []
    for actor in provision.get("actor", ()):
        codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
        if any(ROLES.get(code) == "receivers" for code in codes):
            reference = actor.get("reference", {})
            names = {
                target(reference.get("reference", ""), asking.base_url),
                reference.get("identifier", {}).get("value", ""),
            }
            receivers.append(bool(names & asking.who))
    return not receivers or any(receivers)


def _is_meant(provision: Mapping[str, Any], asking: Asking) -> bool:
    """Return whether a provision speaks of the caller, the purpose and the day."""
    purposes = [coding.get("code") for coding in provision.get("purpose", ())]
    period = provision.get("period", {})
    return (
        _is_named(provision, asking)
        and (not purposes or asking.purpose in purposes)
        and ("start" not in period or interval(period["start"])[0] <= asking.now)
        and ("end" not in period or asking.now < interval(period["end"])[1])
    )


def _rule(kind: str, provision: Mapping[str, Any], asking: Asking) -> dict[str, Any]:
    """Return a rule of the residual with the limits of a provision."""
    found: dict[str, Any] = {"type": kind}
    found |= {name: provision[name] for name in _LIMITS if name in provision}
    if "data" in found:
        found["data"] = [
            {
                "meaning": one["meaning"],
                "reference": {"reference": _address(one["reference"].get("reference", ""), asking)},
            }
            for one in found["data"]
        ]
    return found


def _address(reference: str, asking: Asking) -> str:
    return reference if "://" in reference or ":" in reference.partition("/")[0] else f"{asking.base_url}/{reference}"


def _is_limited(provision: Mapping[str, Any]) -> bool:
    return any(name in provision for name in _LIMITS)


def _exceptions(
    provision: Mapping[str, Any], asking: Asking, permits_hold: bool
) -> Iterable[tuple[int, Mapping[str, Any]]]:
    for inner in provision.get("provision", ()):
        effect = _EFFECTS[inner["type"]]
        if _is_meant(inner, asking) and (effect == DENY or permits_hold):
            yield effect, inner
            yield from _exceptions(inner, asking, permits_hold)


def _said(consent: Mapping[str, Any], asking: Asking) -> _Word:
    """Return what an active Consent says to the caller."""
    agreed, provision = policy(consent), consent.get("provision", {})
    number = NUMBERS.get(asking.purpose, 0)
    if agreed is None or not _is_meant({**provision, "purpose": []} if agreed.except_for else provision, asking):
        return _Word()
    if agreed.purposes and not provision.get("purpose") and number not in agreed.purposes:
        return _Word()
    holds = asking.now < permits_end(consent, asking.patient, asking.majority)
    inside = list(_exceptions(provision, asking, holds))
    if number in agreed.except_for and holds:
        inside.insert(0, (PERMIT, {}))
    permits, limited = agreed.effect == PERMIT and holds, _is_limited(provision)
    rules: list[dict[str, Any]] = []
    refuses = agreed.effect == DENY and not limited
    if agreed.effect == DENY and limited:
        rules.append(_rule("forbid", provision, asking))
    elif agreed.effect == DENY or limited:
        rules.append({"type": "forbid"})
    if permits and limited:
        rules.append(_rule("permit", provision, asking))
    word = _Word(permits, limited, refuses, tuple(rules))
    for effect, inner in inside:
        word = _excepted(word, effect, inner, asking)
    return word


def _excepted(word: _Word, effect: int, inner: Mapping[str, Any], asking: Asking) -> _Word:
    """Return what a Consent says after one of its exceptions."""
    if effect == DENY:
        if not _is_limited(inner):
            return replace(word, permits=False, refuses=True)
        return replace(word, rules=(*word.rules, _rule("forbid", inner, asking)))
    if not _is_limited(inner):
        # All that was forbidden around it is permitted after all.
        return _Word(permits=True)
    limited = word.limited or not word.permits
    return _Word(True, limited, False, (*word.rules, _rule("permit", inner, asking)))


def residual(consents: Sequence[Mapping[str, Any]], asking: Asking) -> dict[str, Any] | Refusal:
    """Return the value of the token extension `ihe_pcf`, or why no token is given.

    Args:
        consents: All Consents of the person, whatever their status.
        asking: Who asks.

    Returns:
        `patient_id`; of the Consents that permit, the addresses (`doc_id`) and policies (`acp`); and `residual`, left
        out when nothing is left to be enforced.
    """
    recorded = [one for one in consents if is_privacy(one) and one.get("status") in DECIDED]
    patient_id = f"{asking.base_url}/Patient/{asking.patient.get('id', '')}"
    words = [(one, _said(one, asking)) for one in recorded if one["status"] == "active"]
    if any(word.refuses for _, word in words):
        return REFUSED
    permitting = [(one, word) for one, word in words if word.permits]
    if not permitting and (recorded or not asking.implied):
        return REFUSED
    # Whoever permits everything in one Consent permits what another limits; what one denies stays denied.
    everything = any(not word.limited for _, word in permitting)
    rules: list[dict[str, Any]] = []
    for _, word in words:
        kept = [one for one in word.rules if not (everything and word.permits and word.limited and _opens(one))]
        rules += [one for one in kept if one not in rules]
    found: dict[str, Any] = {"patient_id": patient_id}
    if permitting:
        found["doc_id"] = [f"{asking.base_url}/Consent/{one.get('id', '')}" for one, _ in permitting]
    uris = [entry["uri"] for one, _ in permitting for entry in one.get("policy", ()) if "uri" in entry]
    if uris:
        found["acp"] = list(dict.fromkeys(uris))
    return found | ({"residual": rules} if rules else {})


def _opens(rule: Mapping[str, Any]) -> bool:
    """Return whether a rule belongs to what limits a permit: all is forbidden, and this is permitted."""
    return rule["type"] == "permit" or len(rule) == 1
