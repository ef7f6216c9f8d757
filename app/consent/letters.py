"""Which letters of a scope each interaction needs, for a row to exist in it.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
"""

READ, SEARCH = "r", "s"
DELETE = "d"
BOTH = "rs"
"""What an operation needs, which finds resources and tells of them."""

NEEDED: dict[str, str] = {
    **dict.fromkeys(("read", "vread", "history-instance", "wado", "c-move", "c-get"), READ),
    **dict.fromkeys(("search-type", "search-system", "history-type", "history-system", "qido", "c-find"), SEARCH),
    "dicom-delete": DELETE,
    # The rows that a write changes are looked up by the letter of the write; this is for its conditions.
    **dict.fromkeys(("create", "update", "patch", "delete", "transaction", "batch", "message", "stow"), SEARCH),
    **dict.fromkeys(("iti-8", "iti-30", "iti-31", "hl7v2"), SEARCH),
    **dict.fromkeys(("c-store", "storage-commitment"), SEARCH),
    **dict.fromkeys(("provide", "publish", "generate-metadata"), SEARCH),
}
"""By interaction; the others need `BOTH`."""

STORES_IMAGES = frozenset({"stow", "c-store"})
"""What stores images: the hub looks up for itself whose they are."""
CHANGES_IMAGES = STORES_IMAGES | {"dicom-delete"}
"""What needs a right to images as such, not to those of one patient; what it writes besides is the hub's own doing."""


def needed(interaction: str) -> str:
    """Return the letters that a row's scope must have to exist in an interaction."""
    return NEEDED.get(interaction, BOTH)
