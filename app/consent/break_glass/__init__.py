"""Break-glass: reading in an emergency what nobody has permitted, with a reason, for a short time, told and reviewed."""
