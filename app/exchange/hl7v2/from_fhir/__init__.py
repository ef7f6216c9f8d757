"""FHIR resources as messages of a standard store: the way back of `to_fhir`, one file a kind of message.

What `to_fhir` made of a message becomes a message that it makes the same of.
"""
