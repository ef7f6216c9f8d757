"""A document that holds no more, whatever door that came by: what was taken from it goes with it.

What another document that holds states too stays, and what its site has written itself. A version that was superseded
does not come back when the one that superseded it goes: its sender has withdrawn the document, not gone back in it.
"""

from collections.abc import Iterable

from app.consent.visibility import EVERYTHING_VISIBLE
from app.records.documents import kept
from app.records.documents.facts import Facts
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


async def withdraw(writing: Writing, patient_key: int, row: int, *, status: str = "superseded") -> bool:
    """Gather the withdrawal of a document, and return whether there was one to withdraw.

    Args:
        writing: The write transaction.
        patient_key: Of the Bundle.
        row: The Bundle's row.
        status: What its DocumentReference is then.
    """
    connection = writing.connection
    known = await kept.find_by_row(connection, patient_key, row)
    if known is None or not known.holds:
        return False
    until = max(writing.request.now, known.instant)
    await kept.put(connection, known._replace(holds=0, withdrawn=until))
    stated = set((await kept.entries(connection, patient_key, row)).values())
    await kept.put_entries(connection, patient_key, row, ())
    facts = Facts(writing, patient_key)
    await facts.release(stated - {patient_key})
    await facts.flush()
    about = await read(connection, EVERYTHING_VISIBLE, "Provenance", known.provenance)
    if about is not None and not about.deleted:
        writing.take_back(about)
    await _end(writing, known.reference, status)
    return True


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
    named = [
        (bundle.patient_key, bundle.row, status) for one in ended for bundle, status in await _bundles(writing, one)
    ]
    await _lock(writing, named)
    # Nothing was written before these locks: whoever files a document takes them first, too.
    await writing.write_gathered()
    for patient_key, row, status in named:
        await withdraw(writing, patient_key, row, status=status)


async def _bundles(writing: Writing, one: Stored) -> list[tuple[Stored, str]]:
    """Return the Bundles that a version ends, each with what its DocumentReference is then."""
    if one.type == "Bundle":
        return [(one, "entered-in-error")]
    return [(bundle, "superseded") for bundle in await _described(writing, one)]


async def _lock(writing: Writing, named: Iterable[tuple[int, int, str]]) -> None:
    """Lock documents, then the facts of their patients."""
    known = [await kept.find_by_row(writing.connection, patient_key, row) for patient_key, row, _ in named]
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
    """Return the Bundles that a DocumentReference describes, of the same custody, when they hold no more by it."""
    connection = writing.connection
    last: Stored | None = reference
    if reference.deleted:
        last = await vread(connection, EVERYTHING_VISIBLE, reference.type, reference.id, reference.version - 1)
    tree = read_exactly(bytes(last.body)) if last is not None else {}
    if not reference.deleted and tree.get("status") not in ENDED:
        return []
    links = [link.partition("/")[2] for link in attached(tree) if link.startswith("Bundle/")]
    found = [await read(connection, EVERYTHING_VISIBLE, "Bundle", id_) for id_ in links]
    return [one for one in found if one is not None and one.custodian == reference.custodian]
