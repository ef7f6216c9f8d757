"""`$summary`: the International Patient Summary of a person, made anew for each caller of what it may see."""
