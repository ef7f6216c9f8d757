"""DICOM: data sets, studies, pixels, manifests. Knows no HTTP, no consent, no settings."""
