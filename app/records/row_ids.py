"""Ids of new resources: the row number in base32, 13 characters."""

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.hub import Hub


def id_of(row: int) -> str:
    """Return the id that is made of a row number."""
    return base64.b32hexencode(row.to_bytes(8)).decode().rstrip("=").lower()


def new_id(hub: "Hub") -> tuple[int, str]:
    """Return a new row number and the id made of it."""
    row = hub.new_row()
    return row, id_of(row)
