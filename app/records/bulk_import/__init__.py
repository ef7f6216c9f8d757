"""`$import` and `renkei import`: files of NDJSON are written as if each line were a request of a site's own system.

https://hl7.org/fhir/uv/bulkdata/STU2/ has the files; https://github.com/smart-on-fhir/bulk-import the operation.
"""
