"""Break-glass: reading in an emergency what nobody has permitted, with a reason, for a while, told and reviewed."""
