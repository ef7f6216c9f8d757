"""Studies that have grown and whose ImagingStudy does not say so yet.

Each instance of C-STORE is acknowledged by itself; its study is described once for all that come in a few seconds.
"""
