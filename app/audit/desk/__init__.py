"""The auditor's desk: reviews that come again, flags for the unusual, a patient's own log, how the log stands."""
