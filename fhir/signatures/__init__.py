"""Electronic signatures of documents: JWS and XML, certificates, time stamps; checked and made, without a network.

https://hl7.org/fhir/R4/signatures.html
"""
