"""Storage commitment: asked for by a sender, kept until it is reported; a report says what is in the sender's custody.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/chapter_J.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, func, select, update

from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from app.imaging.custody import Custody
from app.imaging.dimse.carried_out import Refused
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.tables import storage_commitment
from dicom.attributes import Level
from dicom.matching import MAX_VALUES, parse_query
from dicom.services.commitment import Referenced
from dicom.services.statuses import CLASS_INSTANCE_CONFLICT, NO_SUCH_INSTANCE, OUT_OF_RESOURCES
from dicom.store.read import read_instances
from dicom.store.search import search
from fhir.errors import Forbidden
from fhir.store.categories import Category

MOST_WAITING = 1_000
"""Commitments of one node that are not reported yet."""

FIRST_WAIT = 5_000_000
LONGEST_WAIT = 3_600_000_000
"""Microseconds between tries of a report; each is twice the one before."""
KEPT = 7 * 86_400_000_000
"""Microseconds for which a report is tried."""

_COLUMNS = tuple(storage_commitment.columns)
_COUNT = select(func.count()).where(storage_commitment.c.node == bindparam("node"))
_DUE = (
    select(*_COLUMNS)
    .where(storage_commitment.c.next <= bindparam("now", type_=BigInteger))
    .order_by(storage_commitment.c.next)
    .limit(100)
)
_OF_NODE = select(*_COLUMNS).where(storage_commitment.c.node == bindparam("node")).order_by(storage_commitment.c.asked)
_TAKE = (
    update(storage_commitment)
    .where(storage_commitment.c.id == bindparam("k_id", type_=BigInteger))
    .where(storage_commitment.c.next == bindparam("k_next", type_=BigInteger))
    .values(next=bindparam("n_next", type_=BigInteger), tries=storage_commitment.c.tries + 1)
)
_REMOVE = delete(storage_commitment).where(storage_commitment.c.id == bindparam("k_id", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Commitment:
    """A commitment that was asked for; its instants are microseconds since 1970 UTC."""

    id: int
    node: str
    custodian: int
    transaction_uid: str
    asked: int
    next: int
    tries: int
    referenced: bytes

    @property
    def instances(self) -> list[Referenced]:
        """The instances that it is about."""
        return [Referenced(*line.split(" ")) for line in self.referenced.decode().splitlines()]


async def keep_request(request: DimseRequest, transaction: str, instances: Sequence[Referenced]) -> None:
    """Keep what a sender asks to be told; when this returns it is durable.

    Raises:
        Forbidden: the role stores no images.
        Refused: too many wait.
    """
    if not request.authority.may_write(Category.IMAGING):
        raise Forbidden("This role does not store images")
    hub, node = request.hub, request.node.binding.name
    lines = "\n".join(" ".join(one) for one in instances).encode()
    async with hub.database.write() as connection:
        ((waiting,),) = await connection.fetch(_COUNT, {"node": node})
        if waiting >= MOST_WAITING:
            raise Refused(OUT_OF_RESOURCES, "Too many storage commitments wait to be reported")
        now = hub.clock()
        row = (hub.new_row(), node, request.authority.custodian, transaction, now, now, 0, lines)
        await connection.insert(storage_commitment, [row])


async def due(connection: DatabaseConnection, now: int) -> list[Commitment]:
    """Return the commitments whose report is to be tried now."""
    return [Commitment(*row) for row in await connection.fetch(_DUE, {"now": now})]


async def of_node(connection: DatabaseConnection, node: str) -> list[Commitment]:
    """Return the commitments of a node that are not reported yet."""
    return [Commitment(*row) for row in await connection.fetch(_OF_NODE, {"node": node})]


async def take(connection: WriteConnection, one: Commitment, now: int) -> bool:
    """Take a commitment, until it is due again; return whether nobody else was at it."""
    wait = min(FIRST_WAIT << min(one.tries, 20), LONGEST_WAIT)
    return await connection.execute(_TAKE, {"k_id": one.id, "k_next": one.next, "n_next": now + wait}) == 1


async def remove(connection: WriteConnection, one: Commitment) -> None:
    """Forget a commitment: it is reported, or was tried for long enough."""
    await connection.execute(_REMOVE, {"k_id": one.id})


async def looked_up(hub: Hub, one: Commitment) -> tuple[list[Referenced], list[tuple[Referenced, int]]]:
    """Return which instances are in the sender's custody, and which are not and why."""
    instances, own = one.instances, Custody(one.custodian)
    studies: dict[str, None] = {}
    for start in range(0, len(instances), MAX_VALUES):
        uids = "\\".join(each.sop_instance_uid for each in instances[start : start + MAX_VALUES])
        query = parse_query(Level.INSTANCE, [("SOPInstanceUID", uids)], max_limit=MAX_VALUES)
        found = await search(hub.database.reader, own, query)
        studies |= dict.fromkeys(each.study.study_instance_uid for each in found)
    classes: dict[str, str] = {}
    for study in studies:
        # What has no bytes here is not in custody.
        rows = await read_instances(hub.database.reader, own, study)
        classes |= {row.sop_instance_uid: row.sop_class_uid for row in rows if row.digest}
    kept = [each for each in instances if classes.get(each.sop_instance_uid) == each.sop_class_uid]
    failed = [
        (each, CLASS_INSTANCE_CONFLICT if each.sop_instance_uid in classes else NO_SUCH_INSTANCE)
        for each in instances
        if classes.get(each.sop_instance_uid) != each.sop_class_uid
    ]
    return kept, failed
