"""The store: how resources, their versions and their index rows lie in tables. Reached only through the gate."""
