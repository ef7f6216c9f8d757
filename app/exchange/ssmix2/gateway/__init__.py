"""The gateway at a hospital: reads an SS-MIX2 store, watches it, and sends its files to the hub. It has no database.

The store itself is the spool: whatever is in it and not in the journal is still to be sent.
"""
