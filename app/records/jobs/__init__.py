"""Work that outlasts the request which asked for it: a queue in the database, leases, and who works on it.

Exports (`app.records.export`) and requests that are answered later (`app.records.later`) are such jobs.
"""
