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

    @property
    def abnormal(self) -> int:
        """How many results are outside their range."""
        return sum(bool(one.flag) for one in self.results)


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


def problems(items: Iterable[Item]) -> list[Item]:
    """Return the problems, active ones first, then the newest; one that several sites state stays one line each."""
    found = [one for one in items if one.kind == "problem"]
    found.sort(key=lambda one: one.day, reverse=True)
    return sorted(found, key=lambda one: not one.active)


def allergies(items: Iterable[Item]) -> list[Item]:
    """Return the allergies that hold, severe ones first."""
    return sorted((one for one in items if one.kind == "allergy" and one.active), key=lambda one: not one.severe)
