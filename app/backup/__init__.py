"""Backups: one instant of database, blobs and keys, encrypted to somebody else's key, proven by reading it.

docs/backup.md says how they are taken, kept and restored.
"""
