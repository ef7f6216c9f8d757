"""The deletion of a document that is not here, or not yet: what was made before it will not hold when it comes.

JP-CLINS deletes by Bundle.identifier alone, and a deletion may overtake what it deletes.
"""

from urllib.parse import parse_qsl

from app.records.documents import kept
from app.records.documents.kept import DocumentRow
from app.records.writing import Writing
from fhir.store.categories import Category


def _named(query: str) -> str:
    """Return system and value of the one document that a query names, or an empty text."""
    pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
    if len(pairs) != 1 or pairs[0][0] != "identifier":
        return ""
    system, _, value = pairs[0][1].partition("|")
    return f"{system}|{value}" if system and value and not set("|,\\") & set(value) else ""


async def forestall(writing: Writing, query: str) -> bool:
    """Keep that a document is deleted as of now, and return whether the query named one that does not hold.

    Args:
        writing: The write transaction.
        query: The condition of the deletion, urlencoded.
    """
    name, authority, now = _named(query), writing.request.authority, writing.request.now
    if not name or not authority.may_write(Category.DOCUMENT):
        return False
    hash_ = kept.hash_of(authority.custodian, name)
    await writing.connection.lock(hash_)
    known = await kept.find(writing.connection, hash_)
    if known is None:
        known = DocumentRow(hash_, authority.custodian, 0, 0, 0, "", 0, now, "", "")
    elif known.holds:
        return False
    await kept.put(writing.connection, known._replace(withdrawn=max(now, known.withdrawn)))
    return True
