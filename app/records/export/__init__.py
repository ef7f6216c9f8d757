"""`$export` (Bulk Data 2): what a system may see, as NDJSON files that are made ready in the background.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""
