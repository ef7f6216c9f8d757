"""`python -m benchmarks`: what the hub does in a second, beside what the same machine does bare."""
