"""SS-MIX2: stores of hospitals, read file by file, and what becomes of each. Version 1.2 of JAMI's guidelines."""
