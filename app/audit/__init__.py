"""The audit log: sealed records, the Merkle tree over them, checkpoints, export and proof."""
