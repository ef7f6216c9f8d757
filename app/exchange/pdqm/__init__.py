"""Patient Demographics Query for Mobile: ITI-78 and ITI-119. https://profiles.ihe.net/ITI/PDQm/."""
