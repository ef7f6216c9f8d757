"""Operations on resources as R4 defines them, as far as they need nothing but the resources' bytes.

https://hl7.org/fhir/R4/operations.html
"""
