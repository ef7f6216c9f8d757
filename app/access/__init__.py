"""Access: organisations, people, systems, and how each proves who it is."""
