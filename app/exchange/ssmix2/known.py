"""What the hub has of what a transaction is about, looked up once, and added to as it writes."""

from collections.abc import Iterable, Mapping, Sequence

from app.db import DatabaseConnection
from app.exchange import newest
from app.exchange.hl7v2.to_fhir.mapped import Key, OrderSet
from app.exchange.ssmix2 import lookups
from app.exchange.ssmix2.lookups import Entry, File, Found
from app.exchange.ssmix2.understand import Understood, hash_of


class Known:
    """What is known. Made by `of`."""

    def __init__(self) -> None:
        self._patients: dict[Key, list[Found]] = {}
        self._files: dict[tuple[int, int], File] = {}
        self._entries: dict[tuple[int, int], Entry] = {}
        self._slots: dict[tuple[int, int], list[Entry]] = {}
        self._others: dict[Key, Sequence[Found]] = {}
        self._orders: dict[Key, Sequence[Found]] = {}
        self._of_lines: Mapping[tuple[int, int], int] = {}
        self._ids: dict[int, str] = {}
        self._references: dict[Key, str] = {}

    @classmethod
    async def of(cls, connection: DatabaseConnection, custodian: int, files: Iterable[Understood]) -> "Known":
        """Return what is known of what files say.

        Args:
            connection: Inside the transaction.
            custodian: The site.
            files: What is to be written.
        """
        known = cls()
        wanted = list(files)
        patients = {key for one in wanted for key in (one.patient.key, *one.other_numbers)}
        for key, there in (await lookups.by_identifier(connection, custodian, patients)).items():
            known._patients[key] = list(there)
            known._references[key] = f"Patient/{there[0].id}"
        for one in wanted:
            known.adopt(one)
        old = [one for one in wanted if one.patient.key in known._patients]
        if old:
            await known._learn(connection, custodian, old)
        return known

    async def _learn(self, connection: DatabaseConnection, custodian: int, old: Sequence[Understood]) -> None:
        """Look up what is known of patients that were there before."""
        patient_keys = {found.patient_key for there in self._patients.values() for found in there}
        pieces = {piece.key for one in old for piece in (one.patient, *one.pieces)}
        pieces |= {key for one in old for piece in one.pieces for _, key in piece.links}
        self._files = await lookups.files(connection, patient_keys, [one.file_hash for one in old])
        self._entries = await lookups.entries(connection, patient_keys, pieces)
        self._slots = await lookups.of_slots(connection, patient_keys, [one.slot_hash for one in old])
        self._of_lines = await newest.of_lines(connection, patient_keys, pieces)
        self._entries |= {(one.patient_key, one.hash): one for there in self._slots.values() for one in there}
        self._ids = await lookups.ids(connection, self._entries.values())
        hashes = {hashed for _, hashed in self._entries}
        unknown = [key for key in pieces if hash_of(key) not in hashes]
        self._others = dict(await lookups.by_identifier(connection, custodian, unknown))
        orders = {Key(order.type, order.system, order.order) for one in old for order in one.orders}
        self._orders = dict(await lookups.by_identifier(connection, custodian, orders))
        for one in old:
            patient_key = self.patient_key(one.patient.key)
            for piece in one.pieces:
                for key in (piece.key, *(target for _, target in piece.links)):
                    there = self.resource(patient_key, key)
                    if there is not None:
                        self._references[key] = f"{key.type}/{there[1]}"

    def adopt(self, one: Understood) -> None:
        """Let a number that nobody has mean the Patient whose number differs by zeros before it alone."""
        key = one.patient.key
        other = next((each for each in one.other_numbers if each in self._patients), None)
        if other is not None and key not in self._patients:
            self._patients[key], self._references[key] = self._patients[other], self._references[other]

    def ambiguous(self, key: Key) -> Sequence[Found]:
        """Return the Patients with a number, when there are several."""
        there = self._patients.get(key, [])
        return there if len(there) > 1 else ()

    def choose(self, key: Key, one: Found) -> None:
        """Note which of several Patients a number means."""
        self._patients[key] = [one]
        self.refer(key, one.id)

    def patient_key(self, key: Key) -> int:
        """Return the key of the Patient with a number; 0 when there is none."""
        there = self._patients.get(key)
        return there[0].patient_key if there else 0

    def add_patient(self, key: Key, row: int, id_: str) -> None:
        """Note a Patient that the transaction creates."""
        self._patients[key] = [Found(row, row, id_)]
        self._references[key] = f"Patient/{id_}"

    def add(self, patient_key: int, key: Key, row: int, id_: str) -> None:
        """Note a resource that the transaction creates."""
        self._others[key] = [Found(patient_key, row, id_)]
        self.refer(key, id_)

    def refer(self, key: Key, id_: str) -> None:
        """Note the id that a resource has, or will have."""
        self._references[key] = f"{key.type}/{id_}"

    def resource(self, patient_key: int, key: Key) -> tuple[int, str] | None:
        """Return the row and the id of a patient's resource with an identifier, deleted ones of files included."""
        entry = self._entries.get((patient_key, hash_of(key)))
        if entry is not None and entry.row in self._ids:
            return entry.row, self._ids[entry.row]
        there = self._patients.get(key, ()) if key.type == "Patient" else self._others.get(key, ())
        return next(((one.row, one.id) for one in there if one.patient_key == patient_key), None)

    def file(self, patient_key: int, one: Understood) -> File | None:
        """Return the newest file that came under a name."""
        return self._files.get((patient_key, one.file_hash)) if patient_key else None

    def entry(self, patient_key: int, hashed: int) -> Entry | None:
        """Return which file wrote a resource last, before this transaction."""
        return self._entries.get((patient_key, hashed))

    def occurred(self, patient_key: int, hashed: int) -> int:
        """Return when what is known of a resource happened (発生日時), by a file or a line's message; 0: nothing is."""
        entry = self.entry(patient_key, hashed)
        return max(entry.occurred if entry is not None else 0, self._of_lines.get((patient_key, hashed), 0))

    def entry_of(self, patient_key: int, key: Key) -> Entry | None:
        """Return the same by an identifier."""
        return self._entries.get((patient_key, hash_of(key)))

    def of_slot(self, patient_key: int, slot: int) -> Sequence[Entry]:
        """Return what files of a slot have written before."""
        return self._slots.get((patient_key, slot), ())

    def of_order(self, patient_key: int, order: OrderSet) -> Iterable[Found]:
        """Return the resources of a patient that carry an order's number."""
        there = self._orders.get(Key(order.type, order.system, order.order), ())
        return [one for one in there if one.patient_key == patient_key]

    def id(self, row: int) -> str:
        """Return the id of a resource that an entry names."""
        return self._ids[row]

    def reference(self, key: Key) -> str | None:
        """Return `Type/id` of what has an identifier; None when nothing is known of it."""
        return self._references.get(key)
