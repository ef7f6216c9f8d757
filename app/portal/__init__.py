"""The portal: pages for people, rendered on the server, through the same four gates as every other door."""
