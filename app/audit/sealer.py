"""Seals events: whose salts there are, and by which pointers a patient's records are found again."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import bindparam, delete, insert, select

from app.access import epoch
from app.audit.keys import SALT_BYTES, Keys
from app.audit.pointer import ERASED, point
from app.audit.record import Event, seal, year_of
from app.audit.tables import audit_pointer, audit_salt
from app.db import Database, WriteConnection

MOST_SALTS = 100_000

ERASURES = "audit-erased"
"""The counter of erasures: when it has grown, a process forgets the keys that it holds."""

logger = logging.getLogger(__name__)

_SALT = select(audit_salt.c.salt).where(audit_salt.c.patient_key == bindparam("patient_key"))
_BLANK = delete(audit_pointer).where(audit_pointer.c.hash == bindparam("k_hash"), audit_pointer.c.pointer == ERASED)
_ADD_SALT = insert(audit_salt).values(patient_key=bindparam("n_key"), salt=bindparam("n_salt"))


class Sealer:
    """Makes records of events.

    Args:
        database: The hub's database.
        keys: The audit keys.
        new_row: Numbers the records.
    """

    def __init__(self, database: Database, keys: Keys, new_row: Callable[[], int]) -> None:
        self.keys = keys
        self.salts: dict[int, bytes] = {}
        """Salts that are durable, by patient key."""
        self.pointers: dict[int, tuple[int, int, int]] = {}
        """By HMAC: patient key, year and master key of pointers that wait for the next flush."""
        self._database = database
        self._new_row = new_row
        self._erasures = 0
        self._pointed: set[int] = set()
        """HMACs of patients whose pointers are durable."""

    async def seal(self, events: Sequence[Event], new: dict[int, bytes]) -> list[tuple[int, bytes]]:
        """Return number and record of each event; salts that had to be made are added to `new`."""
        sealed = []
        for event in events:
            salt = None
            if event.patient_key is not None:
                salt = self.salts.get(event.patient_key) or await self._salt(event.patient_key, new)
                self._note(event)
            sealed.append((self._new_row(), seal(event, self.keys, salt)))
        return sealed

    async def have_salts(self, events: Sequence[Event]) -> bool:
        """Return whether every patient of `events` has a durable salt."""
        for event in events:
            key = event.patient_key
            if key is not None and key not in self.salts and await self._stored_salt(key) is None:
                return False
        return True

    async def _stored_salt(self, patient_key: int) -> bytes | None:
        """Return the patient's salt if it is durable; one that is not remembered is looked up."""
        salt = self.salts.get(patient_key)
        if salt is None:
            rows = await self._database.reader.fetch(_SALT, {"patient_key": patient_key})
            if rows:
                salt = bytes(rows[0][0])
                self.remember({patient_key: salt})
        return salt

    async def _salt(self, patient_key: int, new: dict[int, bytes]) -> bytes:
        """Return the patient's salt; one that is made here is added to `new`, and remembered once it is durable."""
        salt = new.get(patient_key) or await self._stored_salt(patient_key)
        if salt is None:
            salt = new[patient_key] = os.urandom(SALT_BYTES)
        return salt

    def new_salt(self, patient_key: int) -> tuple[int, bytes]:
        """Return the row of `audit_salt` for a Patient that is being created."""
        salt = os.urandom(SALT_BYTES)
        self.salts[patient_key] = salt
        return patient_key, salt

    def remember(self, salts: Mapping[int, bytes]) -> None:
        """Remember salts that are durable."""
        if len(self.salts) >= MOST_SALTS:
            self.salts.clear()
        self.salts.update(salts)

    async def add_salts(self, connection: WriteConnection, salts: Mapping[int, bytes]) -> None:
        """Write new salts inside a transaction."""
        await connection.execute_many(_ADD_SALT, [{"n_key": key, "n_salt": salt} for key, salt in salts.items()])

    def _note(self, event: Event) -> None:
        """Let the next flush write the pointer of an event's patient, when it is not there yet."""
        if event.patient is None or event.patient_key is None:
            return
        year, key = year_of(event.recorded), self.keys.current
        hash_ = self.keys.pseudonym("patient", event.patient, year, key)[1]
        if hash_ not in self._pointed:
            self.pointers[hash_] = (event.patient_key, year, key)

    async def point(self, connection: WriteConnection) -> list[int]:
        """Write the pointers that wait and return their HMACs, in one order: others may write the same ones."""
        waiting = sorted(self.pointers.items())
        rows = [(hash_, point(self.keys, hash_, *of)) for hash_, of in waiting]
        # A patient whose details were erased may come again, and has a new salt.
        await connection.execute_many(_BLANK, [{"k_hash": hash_} for hash_, _ in waiting])
        await connection.insert_missing(audit_pointer, rows)
        return [hash_ for hash_, _ in waiting]

    def are_pointed(self, hashes: Sequence[int]) -> None:
        """Remember whose pointers are durable."""
        if len(self._pointed) >= MOST_SALTS:
            self._pointed.clear()
        self._pointed.update(hashes)
        for hash_ in hashes:
            self.pointers.pop(hash_, None)

    async def renew(self) -> None:
        """Take what other processes have changed: a new master key, and erasures, after which no key is remembered."""
        try:
            self.keys.renew()
        except (ValueError, OSError) as error:
            # The keys that are held go on sealing.
            logger.error("The ring of master keys cannot be read again: %s", error)
        erasures = await epoch.value(self._database.reader, ERASURES)
        if erasures != self._erasures:
            self._erasures = erasures
            self.keys.forget()
            self.salts.clear()
            self._pointed.clear()
            self.pointers.clear()
