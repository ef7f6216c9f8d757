"""Blobs: images and attachments, by custodian and digest, in a folder or in S3. The only room that opens them.

A blob is written and flushed before anything refers to it; nothing is shared between custodians. What nothing came to
refer to is set aside, and removed days later.
"""

from app.blobs.store import BlobMissing, Blobs, Incoming, open_blobs

__all__ = ["BlobMissing", "Blobs", "Incoming", "open_blobs"]
