"""A black-box suite for DICOMweb servers: `python -m tests.dicomweb URL`.

It knows the standard and what viewers send, and nothing of any server: it makes its own files, stores them under UIDs
of its own, and asks for them. https://dicom.nema.org/medical/dicom/current/output/html/part18.html
"""
