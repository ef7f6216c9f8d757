"""Signatures of documents: checked when they come, kept beside the version, told to who may read it; the hub's seal."""
