"""Imaging sources: sites that keep images themselves and let the hub refer to them; fetched when somebody looks."""
