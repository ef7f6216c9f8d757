"""Work that outlasts the request which asked for it: a queue in the database, leases, and who works on it.

Exports (`app.records.export`), imports (`app.records.bulk_import`) and requests that are answered later
(`app.records.later`) are such jobs.
"""
