"""The statuses of messages that the hub answers with, and the words that go with a failure.

https://dicom.nema.org/medical/dicom/current/output/chtml/part07/chapter_C.html
"""

SUCCESS = 0x0000
PENDING = 0xFF00
PENDING_UNSUPPORTED = 0xFF01
"""Matches go on; an optional key is not supported (PS3.4 C.4.1.1.4)."""
CANCEL = 0xFE00
COERCION = 0xB000
"""A warning of C-STORE: it is stored, and what it says may not be what it is known by (PS3.4 B.2.3)."""
SUB_OPERATIONS_FAILED = 0xB000
"""Some of the instances could not be sent (PS3.4 C.4.2.1.5)."""

NO_SUCH_INSTANCE = 0x0112
CLASS_INSTANCE_CONFLICT = 0x0119
NO_SUCH_ACTION = 0x0123
SOP_CLASS_NOT_SUPPORTED = 0x0122
NOT_AUTHORISED = 0x0124
UNRECOGNISED_OPERATION = 0x0211
MISTYPED_ARGUMENT = 0x0212
RESOURCE_LIMITATION = 0x0213
OUT_OF_RESOURCES = 0xA700
SUB_OPERATIONS_IMPOSSIBLE = 0xA702
DESTINATION_UNKNOWN = 0xA801
IDENTIFIER_DOES_NOT_MATCH = 0xA900
UNABLE_TO_PROCESS = 0xC000

LONGEST_COMMENT = 64
"""Characters of an Error Comment (0000,0902)."""


def comment(text: str) -> str:
    """Return a text as an Error Comment: LO, ASCII."""
    plain = text.encode("ascii", "replace").decode().replace("\\", "/")
    return "".join(one for one in plain if one.isprintable())[:LONGEST_COMMENT].strip()
