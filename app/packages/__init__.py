"""FHIR packages: profiles, value sets, code systems and search parameters that publishers give away."""
