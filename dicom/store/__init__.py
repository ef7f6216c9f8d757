"""The imaging tables: what was stored, found again only through a visibility."""
