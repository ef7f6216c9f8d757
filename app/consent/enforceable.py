"""What of a Consent cannot be enforced: an active Consent that has any of it is refused, by a path to each part.

A part that is stored and not enforced would be a promise that nobody keeps.
https://profiles.ihe.net/ITI/PCF/, https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.consent.policies import PCF, POLICIES, policy, uris
from app.consent.profiles import profile_issues
from app.consent.provisions import is_privacy
from app.consent.purposes import NUMBERS as PURPOSES
from app.consent.scope import MEANINGS, NOBODY, ROLES, Find, Link, category_of, kinds
from app.consent.tables import ANY
from fhir.issue import Issue
from fhir.store.labels import UNDELIVERED, UNKNOWN, bit

_ACTIONS = frozenset({"access", "disclose"})
_TYPES = frozenset({"permit", "deny"})
_RECORDS_ONLY = frozenset({"treatment", "adr"})
"""Scopes that say nothing of disclosure."""


def _issue(code: str, path: str, text: str) -> Issue:
    return Issue("error", code, path, text)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at a Consent needs beside it."""

    find: Find
    link: Link

    def _actors(self, provision: Mapping[str, Any], path: str) -> Iterator[Issue]:
        for number, actor in enumerate(provision.get("actor", ())):
            at = f"{path}.actor[{number}]"
            codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
            role = next((ROLES[code] for code in codes if code in ROLES), None)
            if role is None:
                yield _issue("not-supported", f"{at}.role", "Roles are IRCP, PRCP, CST and AUT")
            party = self.find(actor.get("reference", {}))
            if party is None or (role in ("disclosers", "authors") and party.person != ANY):
                yield _issue("not-found", f"{at}.reference", "This names no site and no person that the hub knows")

    def _data(self, provision: Mapping[str, Any], path: str, around: bool) -> Iterator[Issue]:
        for number, one in enumerate(provision.get("data", ())):
            at = f"{path}.data[{number}]"
            if one.get("meaning") not in MEANINGS:
                yield _issue("not-supported", f"{at}.meaning", f"Meanings are {', '.join(MEANINGS)}")
            named = self.link(one.get("reference", {}).get("reference", ""))
            type_name, _, id_ = named.partition("/")
            if not id_ or "/" in id_ or not type_name.isalpha():
                yield _issue("not-supported", f"{at}.reference", "Only a resource of this server can be named")
        if around and provision.get("data") and provision.get("type") == "permit":
            text = "A permit of single resources cannot lie in a provision about others"
            yield _issue("not-supported", f"{path}.data", text)

    def _codes(self, provision: Mapping[str, Any], path: str) -> Iterator[Issue]:
        for number, coding in enumerate(provision.get("purpose", ())):
            if coding.get("code") not in PURPOSES:
                yield _issue("not-supported", f"{path}.purpose[{number}]", "The hub knows no such purpose of use")
        for coding in kinds(provision):
            if category_of(coding) == NOBODY:
                text = "The hub knows no such kind of data; docs/consent.md names the kinds"
                yield _issue(
                    "not-supported", f"{path}.{'class' if coding in provision.get('class', ()) else 'code'}", text
                )
        for number, coding in enumerate(provision.get("securityLabel", ())):
            found = bit(coding.get("system"), coding.get("code"))
            if found == UNKNOWN:
                yield _issue("not-supported", f"{path}.securityLabel[{number}]", "The hub knows no such label")
            elif found == UNDELIVERED and provision.get("type") != "deny":
                text = "What is not provided goes to nobody, whatever is permitted"
                yield _issue("not-supported", f"{path}.securityLabel[{number}]", text)

    def _own(self, provision: Mapping[str, Any], path: str) -> Iterator[Issue]:
        for number, action in enumerate(provision.get("action", ())):
            if not any(coding.get("code") in _ACTIONS for coding in action.get("coding", ())):
                yield _issue("not-supported", f"{path}.action[{number}]", "Actions are access and disclose")
        period = provision.get("period")
        if period is not None and not period.keys() & {"start", "end"}:
            yield _issue("not-supported", f"{path}.period", "A period says when it begins or when it ends")
        yield from _modified(provision, path)

    def provision(self, provision: Mapping[str, Any], path: str, around: bool = False) -> Iterator[Issue]:
        """Yield what cannot be enforced of a provision and of those inside it."""
        yield from self._own(provision, path)
        yield from self._actors(provision, path)
        yield from self._data(provision, path, around)
        yield from self._codes(provision, path)
        for number, inner in enumerate(provision.get("provision", ())):
            at = f"{path}.provision[{number}]"
            if inner.get("type") not in _TYPES:
                yield _issue("required", f"{at}.type", "An exception is of type permit or deny")
            yield from self.provision(inner, at, around or bool(provision.get("data")))


def _modified(node: Mapping[str, Any], path: str) -> Iterator[Issue]:
    """Yield the extensions that change what the element means, its parts' included."""
    parts = [(path, node)]
    parts += [
        (f"{path}.{name}[{number}]", one) for name in ("actor", "data") for number, one in enumerate(node.get(name, ()))
    ]
    for at, one in parts:
        if one.get("modifierExtension"):
            yield _issue(
                "not-supported", f"{at}.modifierExtension", "The hub knows no extension that changes a Consent"
            )


def _root(consent: Mapping[str, Any]) -> Iterator[Issue]:
    if "reference" not in consent.get("patient", {}):
        yield _issue("required", "Consent.patient", "An active Consent names whose it is by a reference")
    if policy(consent) is None:
        text = "Neither provision.type nor a policy that the hub knows says whether it permits or denies"
        yield _issue("required", "Consent.provision.type", text)
    for number, uri in enumerate(uris(consent)):
        if uri.startswith(PCF) and uri not in POLICIES:
            yield _issue("not-supported", f"Consent.policy[{number}].uri", "PCF has no such policy")
    if consent.get("modifierExtension"):
        yield from _modified({"modifierExtension": consent["modifierExtension"]}, "Consent")


def unenforceable(consent: Mapping[str, Any], find: Find, link: Link) -> list[Issue]:
    """Return what of a Consent cannot be enforced, each with its path; nothing of one that decides nothing.

    Args:
        consent: The Consent.
        find: Finds the sites and people it names.
        link: Brings a reference into the form in which it is indexed.
    """
    if consent.get("status") != "active":
        return []
    if not is_privacy(consent):
        codes = {coding.get("code") for coding in consent.get("scope", {}).get("coding", ())}
        if codes & _RECORDS_ONLY or not consent.get("provision"):
            return []
        text = "Only provisions of the scope patient-privacy are enforced; research is a purpose of use: HRESCH"
        return [_issue("not-supported", "Consent.scope", text)]
    look = _Look(find, link)
    provision = consent.get("provision", {})
    return [*_root(consent), *profile_issues(consent), *look.provision(provision, "Consent.provision")]
