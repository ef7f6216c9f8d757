"""The second log: what happens in an emergency, on a disk that does not fail with the database's."""
