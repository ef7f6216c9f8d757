"""Which resources of a patient are over: old enough, none of the last ones, and named by nothing that stays."""

from collections.abc import Sequence

from app.records.retention.seen import Due, Seen


def _newest_first(one: Seen) -> tuple[int, int]:
    return -one.made, -one.due.at if one.due is not None else 0


def _old(seen: Sequence[Seen], now: int) -> dict[str, Due]:
    """Return by their names those that are old enough, not marked, and not among the last of their code."""
    kept: dict[tuple[str, str], int] = {}
    found = {}
    for one in sorted(seen, key=_newest_first):
        due = one.due
        if due is None:
            continue
        counts, place = not (one.deleted or one.void), (due.type, one.code)
        if counts:
            kept[place] = kept.get(place, 0) + 1
        if one.marked or due.at >= due.rule.ends(now):
            continue
        # What cannot be told apart may be one of the last of its kind.
        if not counts or not due.rule.last or (one.code and kept[place] > due.rule.last):
            found[one.name] = due
    return found


def over(seen: Sequence[Seen], now: int) -> list[Due]:
    """Return what is over of all that a patient has.

    Args:
        seen: What the patient has, with and without a rule.
        now: The present in microseconds since 1970 UTC.
    """
    going = _old(seen, now)
    by_name = {one.name: one for one in seen} if going else {}
    staying = [one for name, one in by_name.items() if name not in going]
    while staying:
        for name in staying.pop().names & going.keys():
            del going[name]
            staying.append(by_name[name])
    return list(going.values())
