"""Facts of FHIR R4 4.0.1 as compact tables, made by scripts from the published definitions.

https://hl7.org/fhir/R4/downloads.html
"""
