"""HL7 Version 2.5 as Japan writes it: read, written, and mapped to FHIR and back.

JAHIS data exchange, SS-MIX2 standard store; https://www.hl7.org/implement/standards/product_brief.cfm?product_id=185
"""
