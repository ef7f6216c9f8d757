"""The transaction store: which patients' files were added to or deleted, in the order in which that happened.

Its files `TR_YYYYMMDDHHMMSSFFF_nnnnn.DAT` hold what was written, one message after the other (INS, DEL). They are only
asked whose files changed: what the store itself holds is read from there.
"""

import re

NAME = re.compile(r"TR_[0-9]{14,17}_[0-9]{1,8}\.DAT", re.IGNORECASE)

_FILE = re.compile(rb"([A-Za-z0-9\-.]{1,64})_(?:[0-9]{8}|-)_[A-Z]{3}(?:-[0-9]{2})?_[^_\s]{1,64}_[0-9]{8,20}_")
_PID = re.compile(rb"(?:^|[\r\n])PID\|[^|\r\n]*\|[^|\r\n]*\|([A-Za-z0-9\-.]{1,64})")


def patients_in(records: bytes) -> list[str]:
    """Return the numbers of the patients that records are about, each once, in their order."""
    found = [(match.start(), match[1]) for pattern in (_FILE, _PID) for match in pattern.finditer(records)]
    return list(dict.fromkeys(number.decode() for _, number in sorted(found)))
