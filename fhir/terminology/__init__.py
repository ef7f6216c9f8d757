"""Terminology: code systems, value sets and concept maps, and what can be asked of them.

https://hl7.org/fhir/R4/terminology-service.html
"""
