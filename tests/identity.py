"""People at several sites for tests of the patient index: a Patient with everything that tells who it is."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from app.identity.link import link
from app.identity.person import members, person_of
from app.identity.tables import person_patient
from fhir.store.tables import resource
from tests.world import World

MEMBER_ID = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"

_KEY = select(resource.c.patient_key).where(
    resource.c.id == bindparam("id"),
    resource.c.row == resource.c.patient_key,
    resource.c.patient_key > bindparam("o", type_=BigInteger),
)

_PERSON_OF = (
    select(person_patient.c.person)
    .join(resource, resource.c.patient_key == person_patient.c.patient_key)
    .where(resource.c.row == person_patient.c.patient_key, resource.c.id == bindparam("id"))
)


def names(kanji: str, kana: str) -> list[dict[str, Any]]:
    """Return a name in kanji and in kana, each with a space between family and given name."""
    found = []
    for text, kind in ((kanji, "IDE"), (kana, "SYL")):
        if text:
            family, _, given = text.partition(" ")
            extension = [{"url": REPRESENTATION, "valueCode": kind}]
            found.append({"extension": extension, "family": family, "given": [given]})
    return found


def a_phone(number: str) -> dict[str, str]:
    """Return a telephone number as a Patient has it."""
    return {"system": "phone", "value": number}


def someone(kanji: str = "髙橋 喜一郎", kana: str = "タカハシ キイチロウ", **fields: Any) -> dict[str, Any]:
    """Return a Patient; fields given as None are left out, `insurance` is a 被保険者番号, `phone` a number."""
    insurance, phone = fields.pop("insurance", None), fields.pop("phone", "011-222-3456")
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "name": names(kanji, kana),
        "birthDate": "1951-03-08",
        "gender": "male",
        "telecom": [a_phone(phone)] if phone else None,
        "identifier": [{"system": MEMBER_ID, "value": insurance}] if insurance else None,
        **fields,
    }
    return {name: value for name, value in patient.items() if value is not None}


async def key_of(world: World, id_: str) -> int:
    """Return the key of a Patient."""
    rows = await world.hub.database.reader.fetch(_KEY, {"id": id_, "o": 0})
    return int(rows[0][0])


async def person(world: World, id_: str) -> int:
    """Return the person that a Patient is."""
    return await person_of(world.hub.database.reader, await key_of(world, id_)) or 0


async def together(world: World, id_: str) -> set[int]:
    """Return the keys of all Patients of the person that a Patient is."""
    return set(await members(world.hub.database.reader, await person(world, id_)))


async def at(world: World, site: str, patient: dict[str, Any]) -> str:
    """Let a site send a Patient, and return its id."""
    return str((await world.post(await world.client(site), patient))["id"])


async def are_one_person(world: World, one: str, other: str) -> None:
    """Link two Patients."""
    async with world.hub.database.write() as connection:
        persons = [(await connection.fetch(_PERSON_OF, {"id": id_}))[0][0] for id_ in (one, other)]
        await link(connection, *persons)
