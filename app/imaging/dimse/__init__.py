"""The DIMSE door: DICOM applications of the sites store, find and fetch images, each known by its connection."""
