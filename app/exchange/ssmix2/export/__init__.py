"""A patient or a site out again as SS-MIX2 stores: a standard store, an extended one, and an index of both."""
