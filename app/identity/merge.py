"""A site merges two of its own Patients: the person of the one that ends becomes that of the one that stays.

Nothing but the link changes: records stay with the Patient they were sent for, and are found by either. It follows
every write of a Patient with a link `replaced-by`, whatever door it came by.
https://hl7.org/fhir/R4/patient.html#merge, https://profiles.ihe.net/ITI/PIXm/ITI-104.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.identity.automatic import MOST_COMPARED, contradicts
from app.identity.candidates import Candidate, read_candidates
from app.identity.decide import Grade
from app.identity.history import Why
from app.identity.known import known_patient
from app.identity.link import link
from app.identity.match import judge
from app.identity.never import apart
from app.identity.person import members, person_of
from app.identity.queue import put
from app.identity.replaced import survivors
from fhir.errors import Conflict
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.stored import Stored
from fhir.store.tables import resource, resource_id
from fhir.store.types import NUMBERS

MERGED = "merged by the site"
"""The reason in the history of the person."""

_OWN = (
    select(resource.c.id, resource.c.patient_key)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id"),
        resource.c.deleted == 0,
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
)


async def own_patient(connection: DatabaseConnection, id_: str, custodian: int) -> tuple[str, int] | None:
    """Return id and key of a custodian's Patient of that id; None when there is none."""
    values = {"hash": hash64(f"Patient/{id_}"), "id": id_, "custodian": custodian}
    rows = await connection.fetch(_OWN, values)
    return (str(rows[0][0]), int(rows[0][1])) if rows else None


async def meant_by(
    connection: DatabaseConnection, reference: Mapping[str, Any], custodian: int, base_url: str
) -> tuple[str, int] | None:
    """Return id and key of the custodian's own Patient that a reference means, by its id or by an identifier.

    Args:
        connection: Inside the write.
        reference: A Reference.
        custodian: Whose Patient it must be.
        base_url: The hub's own, under which absolute references are its own too.
    """
    literal = str(reference.get("reference", "")).removeprefix(f"{base_url}/")
    if literal.startswith("Patient/"):
        return await own_patient(connection, literal.split("/")[1], custodian)
    identifier = reference.get("identifier")
    return await known_patient(connection, {"identifier": [identifier]}, custodian) if identifier else None


async def follow_merges(
    connection: DatabaseConnection, written: Sequence[Stored], base_url: str, actor: str, now: int
) -> list[int]:
    """Link the persons of Patients that were merged with those of the Patients that take their place.

    A link to a Patient that its site does not have says nothing yet. What would make one person of two who contradict
    each other waits for the secretariat.

    Args:
        connection: The write's own, after the index followed it.
        written: The versions that it wrote.
        base_url: The hub's own.
        actor: Who merged, for the history.
        now: Microseconds since 1970 UTC.

    Returns:
        The keys of the Patients that became another person's.

    Raises:
        Conflict: the secretariat has decided that the two are different persons.
    """
    moved: list[int] = []
    last = {one.patient_key: one for one in written if one.type == "Patient"}
    for one in last.values():
        if one.deleted or b"replaced-by" not in one.body:
            continue
        for reference in survivors(parse(one.body)):
            found = await meant_by(connection, reference, one.custodian, base_url)
            if found is not None and found[1] != one.patient_key:
                moved += await join(connection, one.patient_key, found[1], Why(now, actor, MERGED))
    return moved


async def join(connection: DatabaseConnection, ended: int, survivor: int, why: Why) -> list[int]:
    """Make the person of one of a site's Patients that of another, as the site says.

    What would make one person of two who contradict each other waits for the secretariat.

    Args:
        connection: Inside the write, after the index followed it.
        ended: The key of the Patient whose person ends.
        survivor: The key of the other.
        why: By whom and why.

    Returns:
        The keys of the Patients that became another person's.

    Raises:
        Conflict: the secretariat has decided that the two are different persons.
    """
    person, other = await person_of(connection, survivor), await person_of(connection, ended)
    if person is None or other is None or person == other:
        return []
    staying, leaving = await members(connection, person), await members(connection, other)
    if await apart(connection, leaving, staying):
        raise Conflict("These are known to be different persons: the secretariat allows the link first", "Patient.link")
    # What is said of the Patient that ends is that it was wrong: the others of its person must agree.
    others = [key for key in leaving if key != ended]
    if len(staying) > MOST_COMPARED or len(others) > MOST_COMPARED or await _contradict(connection, others, staying):
        mine, theirs = await read_candidates(connection, EVERYTHING_VISIBLE, [ended, survivor])
        found = judge(mine.traits, theirs)
        asked = Why(why.at, why.actor, "contradiction")
        await put(connection, (ended, survivor), Grade.POSSIBLE, found.points, found.evidence, asked)
        return []
    return await link(connection, person, other, why, pair=(ended, survivor))


async def _contradict(connection: DatabaseConnection, some: Sequence[int], others: Sequence[int]) -> bool:
    if not some:
        return False
    here = await read_candidates(connection, EVERYTHING_VISIBLE, some)
    there: Sequence[Candidate] = await read_candidates(connection, EVERYTHING_VISIBLE, others)
    return any(contradicts(judge(one.traits, other)) for one in here for other in there)
