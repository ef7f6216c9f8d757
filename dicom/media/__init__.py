"""Discs and folders of files: what a DICOMDIR lists, and the DICOMDIR of what is given out (PS3.3 F, PS3.10 8)."""
