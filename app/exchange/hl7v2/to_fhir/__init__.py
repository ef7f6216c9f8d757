"""Messages of HL7 2 as FHIR resources, as the published mapping of SS-MIX2 to JP Core says: one file a kind of row.

https://github.com/jami-fhir-jp-wg/ssmix2-to-fhir; what becomes what is in docs/hl7v2.md.
"""
