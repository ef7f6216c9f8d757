"""All Patients of the person who has one: how statements come from the one to the others."""

from sqlalchemy import BigInteger, bindparam

from app.identity.tables import person_patient

_ONE, OTHER = person_patient.alias("same_one"), person_patient.alias("same_other")

SAME_PERSON = _ONE.join(OTHER, OTHER.c.person == _ONE.c.person)
"""A Patient beside each Patient of the person, itself among them: `OTHER`."""

OF_PATIENT = _ONE.c.patient_key == bindparam("patient_key", type_=BigInteger)
"""The condition that the one has the key `patient_key`."""
