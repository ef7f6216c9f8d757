"""The law: an answer under a visibility is the all-seeing answer in a world without the hidden rows."""

import random
from dataclasses import dataclass

import pytest
from sqlalchemy import and_, bindparam, delete, literal_column, not_, or_

from dicom.attributes import Level
from dicom.matching import parse_query
from dicom.store.read import read_instances, read_models
from dicom.store.search import count, search
from dicom.store.tables import metadata
from tests.dicom.store.databases import Everything
from tests.dicom.store.stocking import Store, an_instance

pytestmark = pytest.mark.anyio

QUERIES = [
    (Level.STUDY, ()),
    (Level.STUDY, (("limit", "3"), ("offset", "1"))),
    (Level.STUDY, (("ModalitiesInStudy", "CT"),)),
    (Level.STUDY, (("ModalitiesInStudy", "MR,SR,CR"),)),
    (Level.STUDY, (("PatientName", "*a*"), ("StudyDate", "20240102-20240108"))),
    (Level.SERIES, ()),
    (Level.SERIES, (("Modality", "CT"), ("limit", "2"))),
    (Level.SERIES, (("StudyInstanceUID", "1.1"),)),
    (Level.INSTANCE, (("limit", "5"), ("offset", "3"))),
    (Level.INSTANCE, (("PatientID", "P1"), ("InstanceNumber", "1"))),
]


@dataclass
class Restricted:
    """Sees its own custodian's rows, and unlabelled ones of some patients since a date."""

    custodian: int
    patients: tuple[int, int]
    hidden_labels: int
    since: int
    shape = "restricted"

    @property
    def values(self):
        return {
            "v_custodian": self.custodian,
            "v_first": self.patients[0],
            "v_last": self.patients[1],
            "v_labels": self.hidden_labels,
            "v_since": self.since,
        }

    def condition(self, alias):
        return or_(
            alias.c.custodian == bindparam("v_custodian"),
            and_(
                alias.c.patient_key.between(bindparam("v_first"), bindparam("v_last")),
                alias.c.labels.bitwise_and(bindparam("v_labels")) == literal_column("0"),
                alias.c.clinical_date >= bindparam("v_since"),
            ),
        )


async def a_world(database, seed):
    """Some forty instances of six patients and three custodians, labels and dates at random."""
    source = random.Random(seed)
    store = Store(database)
    for study in range(12):
        patient = source.randrange(1, 7)
        for series in range(source.randrange(1, 4)):
            modality = source.choice(["CT", "MR", "CR", "SR"])
            for number in range(source.randrange(1, 4)):
                uid = f"1.{study}.{series}"
                data = an_instance(
                    study=f"1.{study}",
                    series=uid,
                    sop=f"{uid}.{number}",
                    number=number,
                    modality=modality,
                    patient_id=f"P{patient}",
                    patient_name=source.choice(["Sato^Aya", "Abe^Ken", "Ono^Jun"]),
                    date=f"202401{source.randrange(1, 12):02d}",
                )
                labels = source.choice([0, 0, 1, 2])
                await store(data, patient, patient % 3, labels=labels, clinical_date=source.randrange(100))


async def answers(database, visibility):
    found = []
    for level, pairs in QUERIES:
        query = parse_query(level, pairs, max_limit=50)
        found.append(await search(database, visibility, query))
        found.append(await count(database, visibility, query))
    for study in range(12):
        found.append(await read_instances(database, visibility, f"1.{study}"))
        found.append(await read_models(database, visibility, f"1.{study}", f"1.{study}.0"))
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_the_hidden_does_not_exist(database, seed):
    source = random.Random(seed + 100)
    restricted = Restricted(source.randrange(4), (2, 5), source.choice([1, 2, 3]), source.choice([0, 40]))
    await a_world(database, seed)
    everything = await answers(database, Everything())

    seen = await answers(database, restricted)

    for table in (one for one in metadata.sorted_tables if "category" in one.c):
        await database.execute(delete(table).where(not_(restricted.condition(table))), restricted.values)
    assert seen == await answers(database, Everything())
    assert seen != everything
    assert any(seen)


async def test_a_study_of_hidden_instances_is_hidden(database):
    store = Store(database)
    await store(an_instance())
    await store(an_instance(sop="1.2.1.2", series="1.2.2", modality="SR"), labels=1)
    await store(an_instance(study="1.3", series="1.3.1", sop="1.3.1.1"), patient_key=1, labels=1)

    (study,) = await search(database, Restricted(9, (1, 1), 1, 0), parse_query(Level.STUDY, (), max_limit=9))

    assert study.study.study_instance_uid == "1.2"
    assert (study.number_of_series, study.number_of_instances) == (1, 1)
    assert study.modalities_in_study == ("CT",)
