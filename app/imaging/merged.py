"""Two Patients of a site that the site itself has merged: images of a study that say either are of one person.

https://hl7.org/fhir/R4/patient.html#merge
"""

from app.db import DatabaseConnection
from app.hub import Hub
from app.identity.merge import meant_by
from app.identity.person import persons_of
from app.identity.replaced import survivors
from app.imaging.custody import Custody
from fhir.resource import parse
from fhir.store.read import read


async def is_merged(hub: Hub, connection: DatabaseConnection, custodian: int, one: int, other: int) -> bool:
    """Return whether one of two Patients of a site, by their keys, was merged with the other, and they are one person.

    That the index found them alike is not enough: a study is in the chart of whom the site says.
    """
    persons = await persons_of(connection, [one, other])
    if one not in persons or persons[one] != persons.get(other):
        return False
    pairs = ((one, other), (other, one))
    return any([await _is_replaced(hub, connection, custodian, ended, by) for ended, by in pairs])


async def _is_replaced(hub: Hub, connection: DatabaseConnection, custodian: int, ended: int, by: int) -> bool:
    current = await read(connection, Custody(custodian), "Patient", await hub.patient_id(ended))
    if current is None or current.deleted or b"replaced-by" not in current.body:
        return False
    for reference in survivors(parse(current.body)):
        found = await meant_by(connection, reference, custodian, hub.settings.fhir_address)
        if found is not None and found[1] == by:
            return True
    return False
