"""The hub as a running service: HTTP, policy, people."""
