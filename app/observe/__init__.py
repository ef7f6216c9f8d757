"""Observing the hub: health and metrics, without a word about patients."""
