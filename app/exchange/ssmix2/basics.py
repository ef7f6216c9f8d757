"""A Patient that a store tells of, where other doors have told of it before: what the store never says is kept.

SS-MIX2: ADT-00 is all that the site's system knows of who the patient is, and nothing of what others have added.
"""

from collections.abc import Mapping
from typing import Any

SAID = frozenset(
    {
        *("active", "name", "telecom", "gender", "birthDate", "address", "maritalStatus", "managingOrganization"),
        *("contact", "deceasedBoolean", "deceasedDateTime"),
    }
)
"""The members that ADT-00 tells of; one that it does not state any more was taken away."""

_OF_STORE = frozenset({"id", "meta", "text"})


def over(current: Mapping[str, Any], new: Mapping[str, Any], *, first: bool) -> dict[str, Any]:
    """Return a Patient that says what a file says, and what only others have said.

    Args:
        current: What is known.
        new: What the file says.
        first: Whether no file has told of the patient before: then nothing of what is known was a file's.
    """
    dead = any(name.startswith("deceased") for name in new)
    kept = {
        name: value
        for name, value in current.items()
        if name not in _OF_STORE and (first or name not in SAID) and not (dead and name.startswith("deceased"))
    }
    stated = list(new.get("identifier", ()))
    systems = {one.get("system") for one in stated}
    others = [one for one in current.get("identifier", ()) if one.get("system") not in systems]
    return kept | dict(new) | {"identifier": [*stated, *others]}
