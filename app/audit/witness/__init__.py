"""A witness: a small program of a member site that signs what the hub's log said, once, and never another history."""
