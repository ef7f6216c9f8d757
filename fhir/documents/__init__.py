"""Documents: Bundles that are taken apart into resources, and summaries that are put together from them.

https://hl7.org/fhir/R4/documents.html
"""
