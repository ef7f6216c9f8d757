"""What a doctor's page shows of a person, ordered: the summary that is always whole, and the days, the newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.portal.items import KINDS, Item


@dataclass(slots=True)
class Stay:
    """What one site has of one day."""

    custodian: int
    encounters: list[Item] = field(default_factory=list)
    results: list[Item] = field(default_factory=list)
    """Laboratory results, those outside their range first."""
    vitals: list[Item] = field(default_factory=list)
    medicines: list[Item] = field(default_factory=list)
    others: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """A day of the timeline."""

    date: str
    """As exact as the resources say: `2024-05-01`, `2024-05`; empty for those without a date."""
    stays: dict[int, Stay] = field(default_factory=dict)


_PLACES = {"encounter": "encounters", "laboratory": "results", "vital": "vitals", "medicine": "medicines"}


def _is_repeated(item: Item) -> bool:
    """Return whether a line says only what others say: a report of results that are shown one by one."""
    return item.type == "DiagnosticReport" and item.kind == "laboratory" and not item.detail


def _identity(item: Item) -> tuple[object, ...] | None:
    """Return what two copies of one thing have in common, or None for a thing that cannot be told from another."""
    stated = item.body.get("identifier", ())
    # A Composition has one identifier, every other resource here a list of them.
    listed = [stated] if isinstance(stated, dict) else stated
    identifiers = {(one.get("system"), one.get("value")) for one in listed}
    if not identifiers:
        return None
    shown = (item.title, item.when, item.detail, item.flag, item.by, item.active, item.sensitive, item.uninformed)
    return (item.type, item.custodian, frozenset(identifiers), *shown)


def unrepeated(items: Iterable[Item]) -> list[Item]:
    """Return `items` without the copies that a site's documents carry of what the site has sent by itself.

    Nor is what only describes a document that is there by itself. A copy has the same identifiers and would look the
    same. Equal identifiers alone are not enough: systems number the medicines of every prescription from 1.
    """
    found: dict[tuple[object, ...], Item] = {}
    for number, one in enumerate(items):
        found.setdefault(_identity(one) or (number,), one)
    heads = {(f"{one.type}/{one.id}", one.custodian) for one in found.values() if one.type == "Composition"}
    return [one for one in found.values() if one.type != "DocumentReference" or heads.isdisjoint(_heads(one))]


def _heads(reference: Item) -> set[tuple[str, int]]:
    """Return the Compositions of the document that a DocumentReference describes: its own lines are more."""
    related = reference.body.get("context", {}).get("related", ())
    return {(str(one.get("reference", "")), reference.custodian) for one in related}


def days(items: Iterable[Item]) -> list[Day]:
    """Return the days of `items`, the newest first; things without a date come last."""
    found: dict[str, Day] = {}
    for item in items:
        if _is_repeated(item):
            continue
        day = found.setdefault(item.day, Day(item.day))
        stay = day.stays.setdefault(item.custodian, Stay(item.custodian))
        place = _PLACES.get(item.kind, "others")
        if place == "results" and item.type != "Observation":
            place = "others"
        getattr(stay, place).append(item)
    for day in found.values():
        for stay in day.stays.values():
            stay.results.sort(key=lambda one: not one.flag)
            stay.others.sort(key=lambda one: (KINDS.index(one.kind), one.time))
    return sorted(found.values(), key=lambda day: day.date, reverse=True)


def filtered(items: Iterable[Item], kinds: Sequence[str], custodians: Sequence[int]) -> list[Item]:
    """Return the items of these kinds and sites; an empty filter lets everything through."""
    return [
        one for one in items if (not kinds or one.kind in kinds) and (not custodians or one.custodian in custodians)
    ]


def latest_medicines(items: Iterable[Item]) -> list[tuple[int, str, list[Item]]]:
    """Return each site's newest prescription: the site, its day, its medicines; the newest first."""
    by_site: dict[int, dict[str, list[Item]]] = {}
    for one in items:
        if one.kind == "medicine" and one.day and one.active:
            by_site.setdefault(one.custodian, {}).setdefault(one.day, []).append(one)
    newest = [(custodian, max(found), found[max(found)]) for custodian, found in by_site.items()]
    return sorted(newest, key=lambda one: one[1], reverse=True)


@dataclass(slots=True)
class Stated:
    """A problem or an allergy, and every site that states it."""

    items: list[Item]

    @property
    def first(self) -> Item:
        """The statement that stands for all: a severe one, else the newest."""
        return max(self.items, key=lambda one: (one.severe, one.day))

    @property
    def custodians(self) -> list[int]:
        """The sites that state it."""
        return sorted({one.custodian for one in self.items})

    @property
    def since(self) -> str:
        """The earliest day among them, or an empty text."""
        return min((one.day for one in self.items if one.day), default="")


def _stated(items: Iterable[Item], kind: str, *, active: bool) -> list[Stated]:
    """Return what is stated, once for each name; what one site calls ended and another not is in both lists."""
    found: dict[str, Stated] = {}
    for one in items:
        if one.kind == kind and one.active is active:
            found.setdefault(one.title, Stated([])).items.append(one)
    return list(found.values())


def problems(items: Sequence[Item], *, active: bool) -> list[Stated]:
    """Return the problems that are active, or those that are not, the newest first."""
    return sorted(_stated(items, "problem", active=active), key=lambda one: one.since, reverse=True)


def allergies(items: Sequence[Item]) -> list[Stated]:
    """Return the allergies that hold, severe ones first."""
    return sorted(_stated(items, "allergy", active=True), key=lambda one: not one.first.severe)
