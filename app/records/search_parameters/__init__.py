"""The hub's own search parameters: kept, known to every process, indexed in the background."""
