"""IHE RAD MADO: manifests of imaging studies, made of what the hub keeps, and turned from one form into the other."""
