"""Rules of Japan's documents that their packages do not hold, or hold no longer: said in words only, or taken out.

R-numbers are those of JP-CLINS: https://jpfhir.jp/fhir/clins/igv1/
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from fhir.documents.kind import BUNDLE_IDENTIFIER, Kind, profiles
from fhir.envelope import Envelope
from fhir.issue import Issue, Severity

_CLINS = "http://jpfhir.jp/fhir/clins/CodeSystem"
LOCAL_CODE = f"{_CLINS}/JP_CLINS_ObsLabResult_LocalCode_CS"
RESOURCE_TYPE = f"{_CLINS}/BundleResourceType_CS"
SECTION = f"{_CLINS}/document-section"
MEDICINES = (
    "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code",
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode",
    "urn:oid:1.2.392.100495.20.2.73",
    "urn:oid:1.2.392.100495.20.2.81",
)
_KEY = re.compile(r"[0-4][0-9][1-3][0-9]{7}\^20[2-3][0-9]\^[A-Za-z0-9\-]{1,36}")
_LAB_RESULT = "JP_Observation_LabResult_eCS"

Found = tuple[str, str]
"""Where, and what is wrong."""


def _key(envelope: Envelope) -> Iterator[Found]:
    """R2152, of documents too: the key by which a later send replaces or deletes."""
    identifier = envelope.head.get("identifier") or {}
    if identifier.get("system") == BUNDLE_IDENTIFIER and not _KEY.fullmatch(str(identifier.get("value", ""))):
        yield "Bundle.identifier.value", "R2152: the value is not institution^year^number"


def _codings(concept: Any) -> list[Mapping[str, Any]]:
    found = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return [one for one in found if isinstance(one, dict)]


def _resources(envelope: Envelope, type_name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, entry in enumerate(envelope.entries):
        if entry.type == type_name and entry.resource is not None:
            yield f"Bundle.entry[{number}].resource", orjson.loads(entry.resource)


def _local_code(envelope: Envelope) -> Iterator[Found]:
    """R6021: a result has the code of its own laboratory, beside the national one."""
    for at, body in _resources(envelope, "Observation"):
        named = any(url.endswith(_LAB_RESULT) for url in profiles(body))
        if named and not any(one.get("system") == LOCAL_CODE for one in _codings(body.get("code"))):
            yield f"{at}.code.coding", "R6021: the laboratory's own code is missing"


def _one_type(envelope: Envelope) -> Iterator[Found]:
    """R0214: a collection holds its Patient and resources of the one type that its tag names."""
    tags = envelope.head.get("meta", {}).get("tag", ())
    wanted = {one.get("code") for one in tags if one.get("system") == RESOURCE_TYPE}
    for number, entry in enumerate(envelope.entries):
        if wanted and entry.type not in {"Patient", *wanted}:
            yield f"Bundle.entry[{number}].resource", f"R0214: a {entry.type} is not of the type that the tag names"


def _forbidden_medicine(envelope: Envelope) -> Iterator[Found]:
    """R2011 to R2013: a medicine that must not be given is named by its YJ code or its general name's."""
    for at, body in _resources(envelope, "AllergyIntolerance"):
        if "medication" in body.get("category", ()) and body.get("criticality") == "high":
            codings = _codings(body.get("code"))
            if not any(one.get("system") in MEDICINES for one in codings):
                yield f"{at}.code.coding", "R2012: a forbidden medicine has neither a YJ code nor a general one"


def _sections(section: Any) -> Iterator[str]:
    for one in section:
        yield from (str(coding.get("code")) for coding in _codings(one.get("code")))
        yield from _sections(one.get("section", ()))


def _body(envelope: Envelope) -> Iterator[Found]:
    """A referral and a discharge summary say something: in sections, as a CDA document, or as a PDF."""
    for at, body in _resources(envelope, "Composition"):
        if not {"200", "230", "300"} & set(_sections(body.get("section", ()))):
            yield f"{at}.section", "There is no section 300 (structured), 200 (CDA) or 230 (PDF)"


def _addressee(envelope: Envelope) -> Iterator[Found]:
    """A referral names who refers and who is asked."""
    for at, body in _resources(envelope, "Composition"):
        missing = {"910", "920"} - set(_sections(body.get("section", ())))
        for code in sorted(missing):
            yield f"{at}.section", f"Section {code} ({'addressee' if code == '910' else 'referrer'}) is missing"


_Rule = Callable[[Envelope], Iterator[Found]]
_RULES: dict[Kind, tuple[_Rule, ...]] = {
    "information": (_key, _one_type, _local_code, _forbidden_medicine),
    "referral": (_key, _body, _addressee, _local_code, _forbidden_medicine),
    "discharge": (_key, _body, _local_code, _forbidden_medicine),
    "prescription": (_key,),
    "checkup": (_key,),
    "plan": (_key,),
}


def broken(kind: Kind, envelope: Envelope, *, strict: bool = False) -> list[Issue]:
    """Return which rules a document breaks.

    Args:
        kind: Which document it is.
        envelope: The Bundle; its entries have the structure of R4.
        strict: Whether that refuses it.
    """
    severity: Severity = "error" if strict else "warning"
    return [Issue(severity, "business-rule", at, text) for rule in _RULES.get(kind, ()) for at, text in rule(envelope)]
