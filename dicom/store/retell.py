"""A study told of anew, out of what is left of it: when the instance that gave a fact is deleted, another gives it.

One instance of each series is heard, an image before what is none: those of a series say the same of their study.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, literal_column, select

from dicom.indexing import Facts, StudyFacts
from dicom.model_facts import facts_of
from dicom.store.connection import Connection
from dicom.store.tables import TOLD_BEFORE, dicom_instance, dicom_study
from dicom.store.told import SERIES, STUDY, is_image, ranked, redate, revise_series, revise_study

MOST_SERIES = 200
"""That are heard of one study."""

_PATIENT, _STUDY = bindparam("k_patient", type_=BigInteger), bindparam("k_study", type_=BigInteger)
_INSTANCES = (
    select(*(dicom_instance.c[name] for name in ("id", "series", "sop_class_uid", "rows", "source", "described")))
    .where(dicom_instance.c.patient_key == _PATIENT, dicom_instance.c.study == _STUDY)
    .order_by(dicom_instance.c.stored, dicom_instance.c.id)
)
_MODEL = select(dicom_instance.c.model).where(
    dicom_instance.c.patient_key == _PATIENT, dicom_instance.c.id == bindparam("k_id", type_=BigInteger)
)
_KNOWN = select(dicom_study.c.patient_id, dicom_study.c.clinical_date).where(
    dicom_study.c.patient_key == _PATIENT, dicom_study.c.id == _STUDY
)

_UNHEARD = _KNOWN.where(dicom_study.c.told == literal_column(str(TOLD_BEFORE)))

Dated = Callable[[StudyFacts], int]
"""From what is said of a study to its clinical date, in microseconds since 1970 UTC."""


async def is_unheard(connection: Connection, patient_key: int, study: int) -> bool:
    """Return whether a study was told of by a release that did not note by whom."""
    return bool(await connection.fetch(_UNHEARD, {"k_patient": patient_key, "k_study": study}))


async def retell(connection: Connection, patient_key: int, study: int, dated: Dated) -> bool:
    """Let a study and its series be what the instances say that are there; return whether there is such a study.

    Args:
        connection: In a write transaction that no other writer of the custodian shares.
        patient_key: Of the study's row.
        study: The study's row.
        dated: Gives the clinical date.
    """
    place = {"k_patient": patient_key, "k_study": study}
    known = await connection.fetch(_KNOWN, place)
    heard = await _heard(connection, place)
    if not known or not heard:
        return False
    ((patient_id, clinical_date),) = known
    told = 0
    about = _mute(heard[0][1].study)
    for series, facts, of_image in heard:
        said = facts.study
        if said.patient_id != patient_id:
            said = replace(said, issuer_of_patient_id="")
        told, better = ranked(STUDY, said, told, of_image=of_image)
        about = replace(about, **{name: getattr(said, name) for number in better for name in STUDY[number]})
        its, _ = ranked(SERIES, facts.series, 0, of_image=of_image)
        await revise_series(connection, patient_key, series, facts.series, (its, tuple(range(len(SERIES)))))
    date = dated(about)
    await revise_study(connection, patient_key, study, (about, date), (told, tuple(range(len(STUDY)))))
    if date != clinical_date:
        await redate(connection, patient_key, study, date)
    return True


def _mute(about: StudyFacts) -> StudyFacts:
    """Return what says nothing of a study."""
    empty = {name: type(getattr(about, name))() for unit in STUDY for name in unit}
    return replace(about, **empty)


async def _heard(connection: Connection, place: dict[str, Any]) -> list[tuple[int, Facts, bool]]:
    """Return series, facts and whether it is an image of those that are heard; images, and what came first, first."""
    chosen: dict[int, tuple[int, bool]] = {}
    for id_, series, *what in await connection.fetch(_INSTANCES, place):
        of_image = is_image(*what)
        if series not in chosen or (of_image and not chosen[series][1]):
            chosen[series] = id_, of_image
    found = []
    for series, (id_, of_image) in sorted(chosen.items(), key=lambda one: not one[1][1])[:MOST_SERIES]:
        ((model,),) = await connection.fetch(_MODEL, {"k_patient": place["k_patient"], "k_id": id_})
        found.append((series, facts_of(orjson.loads(bytes(model))), of_image))
    return found
