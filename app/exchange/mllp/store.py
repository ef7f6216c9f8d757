"""What a message became is written under its source's authority: found again by identifiers, newer before older."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from app.exchange import newest
from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.mapped import Entry, Key, Mapped, OrderSet
from app.exchange.mllp.acknowledge import INTERNAL, Problem
from app.exchange.mllp.kept import keep
from app.exchange.mllp.newest import Newest, instant
from app.exchange.mllp.visit import Visit
from app.exchange.ssmix2 import lookups
from app.identity.replaced import is_replaced
from app.records.identified import by_identifier, lock_of
from app.records.prepare import prepare
from app.records.row_ids import new_id
from app.records.writing import Writing
from app.uploads.check import check_body
from fhir.exact import read, same, write
from fhir.resource import parse
from fhir.spec.identifier_systems import forms
from fhir.store.stored import Stored

LATE = "Something newer is known; this was not written over it"
_NOT_COMPARED = ("id", "meta", "text")
_OF_THE_STORE = ("versionId", "lastUpdated")
_MOST_WARNINGS = 20


@dataclass
class Storing:
    """What a message became, on its way into the store.

    Attributes:
        visit: The message.
        writing: The transaction.
        links: What references by an identifier mean, once that is known.
        written: What was written.
        said: What else the message says, that was there or newer already, as `Type/id`.
        late: Whether something newer was known.
        patient_key: Whose it is, once the Patient is known.
        files: When what files of a store say of the same resources happened (発生日時).
        absent: What the site has nothing of, as far as that was asked.
    """

    visit: Visit
    writing: Writing
    links: dict[str, str] = field(default_factory=dict)
    written: list[Stored] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    late: bool = False
    patient_key: int = 0
    files: dict[Key, int] = field(default_factory=dict)
    absent: set[Key] = field(default_factory=set)
    _newest: Newest | None = None

    @property
    def newest(self) -> Newest:
        """When what is known of the patient was said."""
        if self._newest is None:
            self._newest = Newest(self.writing.connection, self.patient_key)
        return self._newest

    @property
    def custodian(self) -> int:
        """Whose custody all of it is in."""
        return self.visit.request.authority.custodian

    async def current(self, key: Key) -> Stored | None:
        """Return what the site has under an identifier."""
        if key in self.absent:
            return None
        found = await by_identifier(self.writing.connection, key.type, key.system, key.value, self.custodian)
        if key.type == "Patient":
            # One that was merged may still state its number: the one that lives is meant.
            return min(found, key=is_merged, default=None)
        return next((one for one in found if one.patient_key == self.patient_key), None)

    async def learn(self, keys: Iterable[Key]) -> None:
        """Look up at once what is known of the patient's resources: a message may have thousands."""
        wanted = list(dict.fromkeys(keys))
        connection = self.writing.connection
        self.files.update(await newest.of_files(connection, self.patient_key, wanted))
        await self.newest.learn(key.reference for key in wanted)
        # Systems that are written in several forms are asked for one by one.
        plain = [key for key in wanted if key.type != "Patient" and tuple(forms(key.system)) == (key.system,)]
        self.absent |= set(plain) - (await lookups.by_identifier(connection, self.custodian, plain)).keys()

    async def is_late_of(self, key: Key, happened: int | None) -> bool:
        """Return whether something newer is known of a resource, by a message or by a file of a store."""
        if happened is not None and self.files.get(key, 0) > newest.digits(happened):
            self.late = True
            return True
        return await self.is_late(key.reference, happened)

    async def is_late(self, identity: str, happened: int | None) -> bool:
        """Return whether something newer was said of what is meant."""
        found = await self.newest.is_late(identity, happened)
        self.late = self.late or found
        return found

    async def resolved(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Return a resource whose references by identifiers are those of this store.

        What the site does not have stays a reference by its identifier. Parts that messages share are not changed.
        """
        for link in set(_links(tree)) - self.links.keys():
            key = _key_of(link)
            found = await self.current(key)
            if found is not None:
                self.links[link] = f"{found.type}/{found.id}"
            else:
                self.absent.add(key)
        made: dict[str, Any] = _linked(tree, self.links)
        return made

    async def put(self, resource: Mapping[str, Any], current: Stored | None) -> Stored:
        """Write a resource as the next version of `current`, or as a new one; what says nothing new is not written."""
        tree = await self.resolved({name: value for name, value in resource.items() if name not in ("id", "meta")})
        if meta := _meta(resource):
            # It says what is sensitive, and what the patient was not told.
            tree["meta"] = meta
        if current is not None and _same(tree, read(current.body)):
            return current
        if current is not None:
            tree = {"resourceType": tree["resourceType"], "id": current.id, **tree}
        body, request = write(tree), self.visit.request
        if b'"data":' in body:
            await check_body(request, body)
        prepared = prepare(body, request.authority, profiles=await request.hub.profiles(body))
        if current is None:
            row, id_ = new_id(request.hub)
            if prepared.type == "Patient":
                self.writing.announce_patient(id_, row)
            made = await self.writing.create(prepared, row=row, id_=id_)
        else:
            made = await self.writing.update(prepared, current.id)
        self.written.append(made)
        return made


def _is_link(node: Mapping[str, Any]) -> bool:
    """Return whether an element refers to something by its identifier."""
    return "?identifier=" in str(node.get("reference", ""))


def _links(node: Any) -> Iterator[str]:
    """Yield the references that name what they mean by an identifier."""
    if isinstance(node, dict):
        if _is_link(node):
            yield str(node["reference"])
        for value in node.values():
            yield from _links(value)
    elif isinstance(node, list):
        for value in node:
            yield from _links(value)


def _linked(node: Any, links: Mapping[str, str]) -> Any:
    """Return a copy of a tree with the references that `links` says."""
    if isinstance(node, list):
        return [_linked(value, links) for value in node]
    if not isinstance(node, dict):
        return node
    if not _is_link(node):
        return {name: _linked(value, links) for name, value in node.items()}
    link = str(node["reference"])
    if link in links:
        return {**node, "reference": links[link]}
    key, rest = _key_of(link), {name: value for name, value in node.items() if name != "reference"}
    return {"type": key.type, "identifier": {"system": key.system, "value": key.value}, **rest}


def _key_of(link: str) -> Key:
    type_name, _, token = link.partition("?identifier=")
    system, _, value = token.partition("|")
    return Key(type_name, system, unquote(value))


def _meta(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the meta of a resource that is not the store's own."""
    return {name: value for name, value in resource.get("meta", {}).items() if name not in _OF_THE_STORE}


def _same(new: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Return whether a resource says nothing that a stored one does not."""
    stored, labels = _meta(body), _meta(new)
    if any(one not in stored.get(name, ()) for name, some in labels.items() if isinstance(some, list) for one in some):
        return False
    kept = {name: value for name, value in body.items() if name not in _NOT_COMPARED}
    return same({name: value for name, value in new.items() if name not in _NOT_COMPARED}, kept)


async def store_entries(storing: Storing, mapped: Mapped) -> None:
    """Write the entries of a message that is about one Patient, which is stored already.

    Raises:
        FhirError: one is refused; nothing was written.
    """
    happened = instant(mapped.occurred)
    await storing.learn(entry.key for entry in mapped.entries)
    await storing.newest.learn(_identity(order) for order in mapped.orders)
    orders, passed = [], set[tuple[str, str]]()
    for order in mapped.orders:
        if await storing.is_late(_identity(order), happened):
            # A newer message has said what the order consists of: also of what it left out nothing is taken up again.
            passed |= {(order.type, value) for value in order.present}
        else:
            orders.append(order)
    for entry in mapped.entries:
        if entry.key.type != "Patient":
            await _store(storing, entry, happened, is_passed=(entry.key.type, entry.key.value) in passed)
    for order in orders:
        await _settle_order(storing, order)


def _identity(order: OrderSet) -> str:
    return f"{order.type} {order.system}|{order.order}"


async def _store(storing: Storing, entry: Entry, happened: int | None, *, is_passed: bool) -> None:
    current = await storing.current(entry.key)
    storing.absent.discard(entry.key)
    named = current is not None and entry.action in ("mention", "history")
    nothing_to_delete = current is None and entry.action == "delete"
    if not named and (is_passed or await storing.is_late_of(entry.key, happened)):
        named = True
    if named or nothing_to_delete:
        if current is not None:
            _note(storing, entry, current)
        return
    _note(storing, entry, await storing.put(_with_its_beginning(entry.resource, current), current))


def _note(storing: Storing, entry: Entry, found: Stored) -> None:
    storing.links[entry.key.reference] = f"{found.type}/{found.id}"
    storing.said.add(f"{found.type}/{found.id}")


def _with_its_beginning(resource: Mapping[str, Any], current: Stored | None) -> Mapping[str, Any]:
    """Return a visit with the beginning that is known of it: the message of its end may not say when it began."""
    if current is None or resource["resourceType"] != "Encounter" or "start" in resource.get("period", {}):
        return resource
    began = read(current.body).get("period", {}).get("start")
    return {**resource, "period": {"start": began, **resource.get("period", {})}} if began else resource


async def _settle_order(storing: Storing, order: OrderSet) -> None:
    """Let what is stored of an order and is no more of it say so."""
    connection = storing.writing.connection
    for one in await by_identifier(connection, order.type, order.system, order.order, storing.custodian):
        tree = read(one.body)
        values = {each.get("value") for each in tree.get("identifier", ())}
        if one.patient_key != storing.patient_key or values & order.present or tree.get("status") == order.status:
            continue
        await storing.put({**tree, "status": order.status}, one)


async def kept(storing: Storing, mapped_findings: tuple[Finding, ...] = ()) -> list[Problem]:
    """Keep the message with what was written for it; return what its sender should know."""
    await storing.newest.keep()
    said = storing.said | {f"{one.type}/{one.id}" for one in storing.written}
    await keep(storing.visit, storing.writing.connection, storing.patient_key, said)
    found = [Problem(INTERNAL, LATE, severity="W")] if storing.late else []
    for one in mapped_findings[:_MOST_WARNINGS]:
        place: tuple[str | int, ...] = (one.segment, one.index, one.field) if one.field else (one.segment, one.index)
        found.append(Problem(INTERNAL, one.text, place if one.segment else (), "W"))
    return found


async def lock_patient(storing: Storing, system: str, value: str) -> None:
    """Wait for others who write about the same patient of the site: each sees what the one before it wrote."""
    await storing.writing.connection.lock(lock_of(storing.custodian, system, value))


def is_merged(patient: Stored) -> bool:
    """Return whether a Patient was merged into another."""
    return b"replaced-by" in patient.body and is_replaced(parse(patient.body))
