"""Master tables of Japan, from the files their publishers give to a package in the database."""
