"""Audit events of other systems: received, kept apart by source, and never among the hub's own records."""
