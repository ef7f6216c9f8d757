"""What a process knows of the search parameters in force.

A change of the set lets the access epoch grow, which every statement that discloses and every write tests anyway. So a
process asks for the set when it meets a caller of a later epoch than it has asked in, and no request costs more for it.
"""

from sqlalchemy import ColumnElement, func, select

from app.access.epoch import ACCESS
from app.access.tables import epoch
from app.db import Database
from app.records.search_parameters.kept import VERSION, all_kept
from app.records.search_parameters.tables import ACTIVE, INDEXING
from fhir.search.in_force import R4, InForce, in_force

_LOCK = 0x7370_0000_0000
"""The first key of the locks that writes hold; one for each version of the set."""


def _counter(name: str) -> ColumnElement[int]:
    found: ColumnElement[int] = select(epoch.c.value).where(epoch.c.name == name).scalar_subquery()
    return func.coalesce(found, 0)


_COUNTERS = select(_counter(ACCESS), _counter(VERSION))


def lock_of(version: int) -> int:
    """Return the key of the lock that a write holds which knows the parameters of a version."""
    return _LOCK + version


class KnownParameters:
    """The search parameters as one process knows them.

    Attributes:
        in_force: Those of the last epoch that was learned.
    """

    def __init__(self, database: Database) -> None:
        self.in_force: InForce = R4
        self._database = database
        self._epoch = -1

    async def learn(self, access_epoch: int) -> InForce:
        """Return the parameters in force at an access epoch, or at a later one.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        return self.in_force if access_epoch <= self._epoch else await self.refresh()

    async def refresh(self) -> InForce:
        """Return the parameters in force now.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        reader = self._database.reader
        while True:
            access, version = (await reader.fetch(_COUNTERS, {}))[0]
            known = self.in_force if version == self.in_force.version else None
            if known is None:
                rows = await all_kept(reader)
                if (await reader.fetch(_COUNTERS, {}))[0][1] != version:
                    continue
                active = [one.parameter for one in rows if one.state == ACTIVE]
                waiting = {one.parameter: one.percent for one in rows if one.state == INDEXING}
                known = in_force(version, active, waiting)
            if access >= self._epoch:
                self._epoch, self.in_force = access, known
            return known

    async def follow(self) -> None:
        """Learn how far indexing is, for those that are refused because of it."""
        known = self.in_force
        if known.pending:
            for one in await all_kept(self._database.reader):
                if one.state == INDEXING and (place := (one.parameter.base, one.code)) in known.pending:
                    known.pending[place] = one.percent
