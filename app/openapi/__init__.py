"""What the hub's doors are, for programs (OpenAPI) and for people (a page); made of the tables that answer requests."""
