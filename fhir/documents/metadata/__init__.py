"""The metadata of a document, read off the document: of a FHIR document, of CDA, of any other bytes.

https://profiles.ihe.net/ITI/MHD/ITI-106.html, https://profiles.ihe.net/PCC/TF/Volume2/ch-4.html#4.1
"""
