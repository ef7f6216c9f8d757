"""What people enter in the hub: shown once more before it counts, by whom and for whom, and approved afterwards."""
