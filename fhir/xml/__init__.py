"""FHIR XML: resources between their JSON and their XML form, without loss.

https://hl7.org/fhir/R4/xml.html
"""
