"""Images: the DICOMweb doors, and the ImagingStudy kept in step with them."""
