"""What is done in a case: proof of who asks, decision, answer; each stays in its history."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, update

from app.access.caller import Caller
from app.access.events import by, event
from app.clock import DAY
from app.hub import Hub
from app.subject_rights.case import (
    ANSWERED,
    CHECKED,
    DECIDED,
    DECISIONS,
    PROOFS,
    WITHDRAWN,
    Case,
    chosen,
    words,
)
from app.subject_rights.open import day_of
from app.subject_rights.tables import rights_act, rights_case
from fhir.errors import Conflict

_CHANGED = ("due", "extended", "proof", "state", "decision", "reason", "closed")
_SET = (
    update(rights_case)
    .where(
        rights_case.c.number == bindparam("k_number", type_=BigInteger),
        rights_case.c.turn == bindparam("k_turn", type_=Integer),
    )
    .values(
        turn=bindparam("n_turn", type_=Integer),
        **{name: bindparam(f"n_{name}", type_=rights_case.c[name].type) for name in _CHANGED},
    )
)


@dataclass(frozen=True, slots=True)
class Said:
    """What was entered."""

    act: str
    text: str
    proof: str = ""
    """Of `identify`: how it was made sure who asks."""
    day: str = ""
    """Of `answer`: when it was given: `2026-04-20`."""


def _changes(case: Case, said: Said, text: str, now: int, extension: int) -> dict[str, Any]:
    """Return what an act changes of a case."""
    if said.act == "identify":
        return {"state": CHECKED, "proof": chosen(said.proof, PROOFS, "proof")}
    if said.act in DECISIONS:
        return {"state": DECIDED, "decision": said.act, "reason": text}
    if said.act == "answer":
        return {"state": ANSWERED, "closed": max(day_of(said.day, now, "day"), case.received)}
    if said.act == "withdraw":
        return {"state": WITHDRAWN, "closed": now}
    if said.act == "extend":
        return {"extended": 1, "due": case.due + extension * DAY}
    return {}


async def act(
    hub: Hub, caller: Caller, case: Case, said: Said, patient_key: int | None, *, network: str, path: str
) -> None:
    """Do something in a case, and keep who did it, when, and why.

    Args:
        hub: The running hub.
        caller: Who does it.
        case: The case, as the caller was shown it.
        said: What was entered.
        patient_key: The key of its Patient, None when there is none any more.
        network: The address the request came from.
        path: The form's address.

    Raises:
        InvalidValue: something is missing or cannot be; the expression names the field.
        Conflict: the case is in another state, or somebody else was quicker.
    """
    case.check(said.act)
    now, text = hub.clock(), words(said.text, "text")
    before = {name: getattr(case, name) for name in _CHANGED}
    after = before | _changes(case, said, text, now, hub.settings.rights_extension_days)
    told = {"identify": f"{said.proof}: {text}", "answer": f"{said.day}: {text}"}.get(said.act, text)
    turn = case.turn + 1
    async with hub.database.write() as connection:
        values = {f"n_{name}": value for name, value in after.items()}
        key = {"k_number": case.number, "k_turn": case.turn, "n_turn": turn}
        if not await connection.execute(_SET, values | key):
            raise Conflict("Somebody else has acted meanwhile")
        await connection.insert(rights_act, [(case.number, turn, now, said.act, told, caller.user, caller.user_title)])
        description = f"Case {case.number}: {said.act}"
        record = event(hub, "rights-request", network=network, path=path, **by(caller), description=description)
        if patient_key is not None:
            record = record._replace(patient=f"Patient/{case.patient}", patient_key=patient_key)
        await hub.audit.stage(connection, [record])
