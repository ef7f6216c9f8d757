"""The doors of terminology: one file an operation. None of them discloses anything of a patient."""
