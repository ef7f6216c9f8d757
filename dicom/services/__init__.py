"""DICOM's message services: associations within bounds, and what their messages say. It knows no hub.

https://dicom.nema.org/medical/dicom/current/output/chtml/part07/PS3.7.html
"""
