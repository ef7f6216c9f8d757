"""Master tables of Japan: their rows become CodeSystems and ConceptMaps. One master a module."""
