"""A syslog message of ITI-20: RFC 5424's header, and the audit message of DICOM after a byte order mark.

https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html
"""

from collections.abc import Mapping
from typing import Any

from app.audit.atna.to_dicom import to_dicom

FACILITY = 10
"""Security and authorisation messages."""

NOTICE, WARNING = 5, 4
APPLICATION = "renkei"
MESSAGE_ID = "IHE+RFC-3881"


def message(resource: Mapping[str, Any], host: str) -> bytes:
    """Return the message of an AuditEvent, without its count.

    Args:
        resource: The AuditEvent.
        host: The name of the hub's machine or address.
    """
    severity = NOTICE if resource.get("outcome", "0") == "0" else WARNING
    name = "".join(one for one in host if "!" <= one <= "~")[:255] or "-"
    header = f"<{FACILITY * 8 + severity}>1 {resource['recorded']} {name} {APPLICATION} - {MESSAGE_ID} - "
    return header.encode() + b"\xef\xbb\xbf" + to_dicom(resource)
