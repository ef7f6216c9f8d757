"""What is uploaded is looked at before it is stored: programs, macros, and what a virus scanner knows."""
