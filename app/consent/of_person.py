"""The Consents that name a Patient of a person, at whatever site: where statements about all of them begin."""

from app.identity.same_person import OTHER, SAME_PERSON
from fhir.store.tables import patient_chart, resource
from fhir.store.types import NUMBERS

CONSENTS = SAME_PERSON.join(patient_chart, patient_chart.c.patient_key == OTHER.c.patient_key).join(
    resource, (resource.c.patient_key == patient_chart.c.key) & (resource.c.type == NUMBERS["Consent"])
)
"""`resource` is a Consent, deleted ones among them; `app.identity.same_person.OF_PATIENT` says whose."""
