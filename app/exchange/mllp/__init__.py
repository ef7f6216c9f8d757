"""HL7 v2 over MLLP: feeds of Patients, queries for them, results and orders. docs/mllp.md."""
