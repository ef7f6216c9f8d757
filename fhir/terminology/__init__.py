"""Terminology: code systems, value sets and concept maps."""
