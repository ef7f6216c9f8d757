"""IHE ATNA: the log asked for (ITI-81) and handed on (ITI-20), as FHIR and as DICOM's XML."""
