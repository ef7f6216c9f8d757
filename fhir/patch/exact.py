"""What patches of all formats have in common: what one is, what it can fail with, and how its document is read."""

from collections.abc import Callable
from typing import Any

from fhir.errors import FhirError
from fhir.exact import read
from fhir.resource import parse

Patch = Callable[[bytes], bytes]
"""From a stored body to the patched one."""


class MalformedPatch(FhirError):
    """The document is not a patch, whatever it would be applied to."""

    status = 400
    code = "structure"


class TooCostly(FhirError):
    """The patch would make more of a resource than the server takes."""

    status = 422
    code = "too-costly"


def read_strictly(document: bytes) -> Any:
    """Return the tree of any JSON value, read as strictly as a resource.

    Raises:
        InvalidJson: it is not strict JSON; the lines that are named count from one before the document.
    """
    # `parse` takes objects: the document becomes the only member of one, and nothing can stand beside it.
    wrapped = b'{"patch":\n' + document + b"\n}"
    if parse(wrapped).keys() != {"patch"}:
        raise MalformedPatch("The document is more than one JSON value")
    return read(wrapped)["patch"]
