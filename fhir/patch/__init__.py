"""Patches: documents that say what to change in a resource (JSON Patch, FHIRPath Patch, XML Patch).

https://hl7.org/fhir/R4/http.html#patch
"""
