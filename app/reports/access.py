"""What an event of the log did to a patient's record, and with which kinds of data."""

from enum import StrEnum

from app.audit.record import Event
from fhir.store.types import NUMBERS


class Did(StrEnum):
    """What became of a record: the law asks for 漏えい, 毀損 and 滅失 apart."""

    READ = "read"
    CHANGED = "changed"
    DELETED = "deleted"


TELLS_NOTHING = frozenset(
    {
        *("link", "unlink", "break-glass", "break-glass-ended", "break-glass-review", "consent-decision"),
        *("refused", "erase", "audit-log-used", "iti-81", "identity-review", "rights-request", "entry"),
        "audit-taken-up",
    }
)
"""Events that name a patient and neither tell nor change what is kept of one."""

_CHANGES = frozenset(
    {
        *("create", "update", "patch", "transaction", "batch", "message", "stow", "c-store", "import"),
        *("provide", "publish", "generate-metadata"),
        *("iti-8", "iti-30", "iti-31", "hl7v2"),
    }
)
_DELETES = frozenset({"delete", "dicom-delete"})
_IMAGES = frozenset({"wado", "qido", "stow", "c-store", "c-find", "c-move", "c-get", "dicom-delete"})


def touches(event: Event) -> bool:
    """Return whether an event read or wrote what is kept of a patient, and succeeded."""
    return event.outcome == "0" and event.patient is not None and event.interaction not in TELLS_NOTHING


def is_told_again(event: Event) -> bool:
    """Return whether an event only says that the log took up another late: what that one tells is counted by itself."""
    return event.interaction == "audit-taken-up" and event.outcome == "4"


def did(event: Event) -> Did:
    """Return what an event did."""
    removed = event.interaction == "operation" and (event.path or "").endswith("/$expunge")
    if event.interaction in _DELETES or event.action == "D" or removed:
        return Did.DELETED
    return Did.CHANGED if event.interaction in _CHANGES or event.action in ("C", "U") else Did.READ


def resources(event: Event) -> list[str]:
    """Return the resources that an event names, without their versions: `Observation/4711`."""
    return [entity.partition("/_history/")[0] for entity in event.entities]


def kinds(event: Event) -> set[str]:
    """Return the types of data of an event: those of the resources that it names, else what was asked for."""
    named = {one.partition("/")[0] for one in event.entities}
    if named:
        return named
    if event.interaction in _IMAGES:
        return {"images"}
    asked = (event.path or "").removeprefix("/fhir/").partition("/")[0].partition("?")[0]
    return {asked if asked in NUMBERS else event.interaction}


def asked(event: Event) -> str:
    """Return the address that was asked for, with its query."""
    return (event.path or "") + (f"?{event.query}" if event.query else "")
