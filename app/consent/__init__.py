"""Consent: what people decided, compiled to grants, and gate 2, which turns grants into a visibility."""
