"""Checkers of resources: base R4 structure, its primitives, its narrative and its invariants.

https://hl7.org/fhir/R4/validation.html
"""
