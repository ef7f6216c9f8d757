"""Records: the FHIR REST doors, and the gate through which the store is reached."""
