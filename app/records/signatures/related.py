"""The signatures of a document as a caller may know them: its own, and those that others have put under it.

Each is read as any resource is: what does not exist for the caller has no signature either.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import orjson

from app.identity.scope import patient_keys
from app.records.record import Record
from app.records.signatures.keep import kept_verdicts
from fhir.belonging import attached
from fhir.documents.provenance import POLICY
from fhir.errors import Deleted, NotFound
from fhir.search.query import parse as parse_query
from fhir.search.run import search
from fhir.signatures.verdict import State, Verdict
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT
from fhir.undo import original

MOST_PROVENANCES = 50
"""Of one resource."""


@dataclass(frozen=True, slots=True)
class Carried:
    """The signatures that one resource carries."""

    by: Stored
    verdicts: Sequence[Verdict] | None
    """None when nobody has looked yet."""

    @property
    def is_of_others(self) -> bool:
        """Whether it is a statement about the document, and not the document itself."""
        return self.by.type == "Provenance"


async def signatures_of(record: Record, document: Stored) -> list[Carried]:
    """Return the signatures of a document.

    Args:
        record: The caller's view.
        document: What is signed: a Bundle, a DocumentReference, what was taken from a document, any resource.
    """
    own = [document, *[one async for one in _held(record, document)]]
    said = [(part, one) for part in own for one in await _provenances(record, part)]
    own += [one for part, provenance in said async for one in _taken_from(record, part, provenance)]
    provenances = [provenance for _, provenance in said]
    found = []
    for one in {(one.type, one.id): one for one in [*own, *provenances]}.values():
        verdicts = await kept_verdicts(record.connection, one)
        if verdicts is None or verdicts:
            is_statement = one.type == "Provenance" and one.id != document.id
            found.append(
                Carried(one, [_about(own, each) for each in verdicts] if verdicts and is_statement else verdicts)
            )
            if one.type == "Provenance":
                record.disclosed.append(one)
    return found


def _about(own: Sequence[Stored], verdict: Verdict) -> Verdict:
    """Return what a verdict of a Provenance says of a document now: it may be of another, or an older one."""
    if verdict.state not in (State.VALID, State.UNTRUSTED):
        return verdict
    name, _, version = verdict.target.partition("/_history/")
    current = next((one for one in own if f"{one.type}/{one.id}" == name), None)
    if current is None:
        return replace(verdict, state=State.UNCHECKED, reason="other", detail="What is signed is another resource")
    if version != str(current.version):
        return replace(verdict, state=State.UNCHECKED, reason="earlier", detail="What is signed is an earlier version")
    return verdict


async def _held(record: Record, document: Stored) -> AsyncIterator[Stored]:
    """Yield the Binaries and Bundles that a DocumentReference names."""
    if document.type != "DocumentReference":
        return
    for link in attached(orjson.loads(document.body)):
        type_name, _, id_ = link.partition("/")
        if (one := await _read(record, type_name, id_)) is not None:
            yield one


async def _read(record: Record, type_name: str, id_: str) -> Stored | None:
    try:
        return await record.read(type_name, id_)
    except (NotFound, Deleted):
        return None


async def _provenances(record: Record, document: Stored) -> list[Stored]:
    query = parse_query("Provenance", [("target", f"{document.type}/{document.id}")], lenient=False)
    page = await search(record.connection, record.visibility, query, patient_keys, limit=MOST_PROVENANCES)
    return list(page.matches)


async def _taken_from(record: Record, part: Stored, provenance: Stored) -> AsyncIterator[Stored]:
    """Yield the documents that a resource was taken out of, as a Provenance says and their bytes show.

    Any site may write such a Provenance about what it keeps: a document's signature is that of the resource only if the
    resource is in the document as it is, and both are kept by one site, and are of one patient unless of nobody. The
    same bytes may be sent again, and mean another patient by the same link.
    """
    tree = orjson.loads(provenance.body)
    for entity in tree.get("entity", ()) if POLICY in tree.get("policy", ()) else ():
        type_name, _, id_ = str(entity.get("what", {}).get("reference", "")).partition("/")
        if entity.get("role") != "source" or type_name not in ("Bundle", "DocumentReference"):
            continue
        source = await _read(record, type_name, id_)
        if source is None:
            continue
        for one in (source, *[held async for held in _held(record, source)]):
            is_alike = one.custodian == part.custodian and part.patient_key in (NO_PATIENT, one.patient_key)
            if one.type == "Bundle" and is_alike and await _sent(record, part) in await _sent(record, one):
                yield one


async def _sent(record: Record, one: Stored) -> bytes:
    """Return the bytes of a version as they were sent."""
    found, undo, _ = await record.received(one.type, one.id, str(one.version))
    return original(found.body, bytes(undo))
