"""`Prefer: respond-async`: requests that are answered later, by the asynchronous interaction request pattern.

https://hl7.org/fhir/R5/async-bundle.html
"""
