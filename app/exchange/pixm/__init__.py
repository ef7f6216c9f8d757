"""Patient Identifier Cross-referencing for Mobile: ITI-83 and ITI-104. https://profiles.ihe.net/ITI/PIXm/."""
