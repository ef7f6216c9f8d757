"""A document that holds no more, whatever door that came by: what was taken from it goes with it.

What another document that holds states too stays, and what its site has written itself. A version that was superseded
does not come back when the one that superseded it goes: its sender has withdrawn the document, not gone back in it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson

from app.consent.visibility import EVERYTHING_VISIBLE
from app.records.documents import kept
from app.records.documents.describe import Description
from app.records.documents.facts import Facts, Labels
from app.records.documents.kept import DocumentRow
from app.records.own import find_own
from app.records.prepare import prepare
from app.records.writing import Writing
from fhir.belonging import attached
from fhir.exact import read as read_exactly
from fhir.exact import write as write_exactly
from fhir.store.read import read, vread
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

_BUNDLE, _REFERENCE = NUMBERS["Bundle"], NUMBERS["DocumentReference"]

ENDED = ("superseded", "entered-in-error")
"""The statuses of a DocumentReference whose document holds no more."""


class _Ended(NamedTuple):
    """A document that may hold no more."""

    bundle: Stored
    status: str
    """What its DocumentReference is then."""
    reference: str
    """The id of the DocumentReference that ends it; empty where its Bundle is deleted."""


async def _stop(writing: Writing, one: _Ended) -> DocumentRow | None:
    """Keep that a document holds no more, and return what was kept of it; None where it goes on, or held no more."""
    known = await kept.find_by_row(writing.connection, one.bundle.patient_key, one.bundle.row)
    if known is None or not known.holds:
        return None
    if one.reference and await _hand_over(writing, known, one):
        return None
    await kept.put(writing.connection, known._replace(holds=0, withdrawn=max(writing.request.now, known.instant)))
    return known


async def _describes(writing: Writing, reference: Stored, bundle: Stored) -> bool:
    """Return whether a DocumentReference was made for the version of a Bundle that holds, not for one before it."""
    first = await vread(writing.connection, EVERYTHING_VISIBLE, reference.type, reference.id, 1)
    return first is not None and first.last_updated >= bundle.last_updated


async def _hand_over(writing: Writing, known: DocumentRow, one: _Ended) -> bool:
    """Let a document hold by another current DocumentReference that leads to its Bundle, if there is one."""
    link = f"Bundle/{one.bundle.id}"
    at = f"{link},{writing.request.hub.settings.fhir_address}/{link}"
    found = await find_own(writing, "DocumentReference", ("location", at), ("status", "current"))
    others = [other for other in found if other.id != one.reference and await _describes(writing, other, one.bundle)]
    if not others:
        return False
    last = max(others, key=lambda other: (other.last_updated, other.row))
    about = await read(writing.connection, EVERYTHING_VISIBLE, "Provenance", known.provenance)
    targets = [] if about is None or about.deleted else orjson.loads(about.body)["target"]
    description = Description(writing, known.patient_key, Labels(0))
    named = await description.provenance(
        known.provenance, f"DocumentReference/{last.id}", [target["reference"] for target in targets]
    )
    await kept.put(writing.connection, known._replace(reference=last.id, provenance=named))
    return True


async def _withdraw(writing: Writing, known: DocumentRow, status: str) -> None:
    """Gather the withdrawal of what a document stated, and its DocumentReference as one of this status."""
    connection, patient_key = writing.connection, known.patient_key
    stated = set((await kept.entries(connection, patient_key, known.row)).values())
    await kept.put_entries(connection, patient_key, known.row, ())
    facts = Facts(writing, patient_key)
    await facts.release(stated - {patient_key})
    await facts.flush()
    about = await read(connection, EVERYTHING_VISIBLE, "Provenance", known.provenance)
    if about is not None and not about.deleted:
        writing.take_back(about)
    await _end(writing, known.reference, status)


async def _end(writing: Writing, id_: str, status: str) -> None:
    """Gather the DocumentReference of a document as one that holds no more."""
    current = await read(writing.connection, EVERYTHING_VISIBLE, "DocumentReference", id_) if id_ else None
    if current is None or current.deleted:
        return
    tree = read_exactly(bytes(current.body))
    if tree.get("status") not in ENDED:
        tree["status"] = status
        await writing.follow(current, prepare(write_exactly(tree), writing.request.authority))


async def follow_documents(writing: Writing) -> None:
    """Withdraw the documents whose Bundle a transaction has deleted, or whose DocumentReference it has ended."""
    ended = [one for one in writing.written if _ends(one)]
    if not ended:
        return
    named = [bundle for one in ended for bundle in await _bundles(writing, one)]
    await _lock(writing, named)
    # Nothing was written before these locks: whoever files a document takes them first, too.
    await writing.write_gathered()
    # All stop before a fact is looked at: none of them goes back to what another of them says.
    stopped = [(known, one.status) for one in named if (known := await _stop(writing, one)) is not None]
    for known, status in stopped:
        await _withdraw(writing, known, status)


async def _bundles(writing: Writing, one: Stored) -> list[_Ended]:
    """Return the documents that a version ends."""
    if one.type == "Bundle":
        return [_Ended(one, "entered-in-error", "")]
    return [_Ended(bundle, "superseded", one.id) for bundle in await _described(writing, one)]


async def _lock(writing: Writing, named: Iterable[_Ended]) -> None:
    """Lock documents, then the facts of their patients."""
    known = [await kept.find_by_row(writing.connection, bundle.patient_key, bundle.row) for bundle, _, _ in named]
    await writing.connection.lock_all(sorted({one.hash for one in known if one is not None}))
    await kept.lock_facts(writing.connection, [one.patient_key for one in known if one is not None])


def _ends(one: Stored) -> bool:
    """Return whether a version may end a document."""
    if one.type_number == _BUNDLE:
        return one.deleted
    if one.type_number != _REFERENCE:
        return False
    return one.deleted or any(b'"%s"' % status.encode() in one.body for status in ENDED)


async def _described(writing: Writing, reference: Stored) -> list[Stored]:
    """Return the Bundles that a DocumentReference describes, of the same custody, when they hold no more by it.

    One of which a newer version came with a DocumentReference of its own holds by that.
    """
    connection = writing.connection
    last: Stored | None = reference
    if reference.deleted:
        last = await vread(connection, EVERYTHING_VISIBLE, reference.type, reference.id, reference.version - 1)
    tree = read_exactly(bytes(last.body)) if last is not None else {}
    if not reference.deleted and tree.get("status") not in ENDED:
        return []
    links = [link.partition("/")[2] for link in attached(tree) if link.startswith("Bundle/")]
    found = [await read(connection, EVERYTHING_VISIBLE, "Bundle", id_) for id_ in links]
    own = [one for one in found if one is not None and one.custodian == reference.custodian]
    return [one for one in own if await _is_described_by(writing, one, reference.id)]


async def _is_described_by(writing: Writing, bundle: Stored, id_: str) -> bool:
    known = await kept.find_by_row(writing.connection, bundle.patient_key, bundle.row)
    return known is not None and known.reference in ("", id_)
