"""R4 facts as compact tables, and the scripts that make them from the published definitions."""
