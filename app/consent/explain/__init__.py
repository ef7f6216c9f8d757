"""Why may somebody (not) see a record: the rule of gate 2 that decides, and what each Consent says to it."""
