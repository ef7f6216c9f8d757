"""Reports, doses, documents and key images among the instances of a study, in the one record: as FHIR, by its order."""
