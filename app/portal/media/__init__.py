"""The desk's pages of discs: what was brought, what is on it, and whose it is."""
