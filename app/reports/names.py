"""Who a Patient is, for notices: numbers, name, day of birth, address, telephone, as its site wrote them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.identity.candidates import read_candidates
from fhir.resource import parse


@dataclass(frozen=True, slots=True)
class Known:
    """What a site knows a Patient by; empty where it says nothing, or the Patient is gone."""

    numbers: str = ""
    name: str = ""
    born: str = ""
    address: str = ""
    telephone: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """Return all of it, in this order."""
        return (self.numbers, self.name, self.born, self.address, self.telephone)


def _list(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _name(names: Sequence[Mapping[str, Any]]) -> str:
    for one in names:
        if written := one.get("text") or " ".join([one.get("family", ""), *one.get("given", ())]).strip():
            return str(written)
    return ""


def _address(addresses: Sequence[Mapping[str, Any]]) -> str:
    for one in addresses:
        parts = [one.get(part, "") for part in ("state", "city")] + list(one.get("line", ()))
        if written := one.get("text") or "".join(parts):
            return " ".join(part for part in (one.get("postalCode", ""), str(written)) if part)
    return ""


def known(patient: Mapping[str, Any]) -> Known:
    """Return what a Patient is known by."""
    telephones = [one for one in _list(patient.get("telecom")) if one.get("system") == "phone"]
    return Known(
        " ".join(str(one.get("value", "")) for one in _list(patient.get("identifier"))),
        _name(_list(patient.get("name"))),
        str(patient.get("birthDate", "")),
        _address(_list(patient.get("address"))),
        str(telephones[0].get("value", "")) if telephones else "",
    )


async def names(connection: DatabaseConnection, keys: Sequence[int]) -> dict[int, Known]:
    """Return what Patients are known by, by their keys; those that are gone are missing."""
    found = await read_candidates(connection, EVERYTHING_VISIBLE, keys)
    return {one.key: known(parse(bytes(one.stored.body))) for one in found}
