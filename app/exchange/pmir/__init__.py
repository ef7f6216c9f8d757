"""Patient Master Identity Registry: ITI-93. https://profiles.ihe.net/ITI/PMIR/."""
