"""The demo region: synthetic people and records of a fictional Hokkaido region, the same for the same seed.

Pure data: no HTTP, no database. `region()` says who there is; `records.transactions`,
`documents.documents` and `imaging.studies` say what each site holds. Nobody in it is a real person and no
institution in it exists.
"""
