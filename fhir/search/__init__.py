"""R4 search: what a resource is found by, and what a query asks for.

https://hl7.org/fhir/R4/search.html
"""
