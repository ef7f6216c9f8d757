"""The end of keeping: what a region's rules say is over goes, by the way of `$expunge`, on record."""
