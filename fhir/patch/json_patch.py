"""JSON Patch: https://www.rfc-editor.org/rfc/rfc6902, https://hl7.org/fhir/R4/http.html#patch."""

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NoReturn

from jsonpatch import (
    InvalidJsonPatch,
    JsonPatch,
    JsonPatchException,
    JsonPatchTestFailed,
    JsonPointer,
    JsonPointerException,
    path_split,
)
from jsonpointer import EndOfList

from fhir.errors import Unprocessable
from fhir.exact import read as read_exactly
from fhir.exact import write
from fhir.patch.exact import MalformedPatch, Patch, TooCostly, read_strictly

Operation = dict[str, Any]

OPERATIONS = 10_000
"""Operations a patch may have."""

MOST_BYTES = 20_000_000
"""What all copies of a patch may add up to."""

_MEMBERS: dict[str, tuple[str, ...]] = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path", "value"),
}
"""The members each operation must have."""

_NAME = re.compile(r"[A-Za-z_]\w*")


def _named(number: int, operation: Operation) -> str:
    return f"Operation {number} ({operation['op']} {operation['path']})"


def _operation(number: int, operation: Any) -> Operation:
    """Return an operation without the members that mean nothing in it.

    Raises:
        MalformedPatch: it is none.
    """
    kind = operation.get("op") if isinstance(operation, dict) else None
    if not isinstance(kind, str) or kind not in _MEMBERS:
        raise MalformedPatch(f"Operation {number} is not an object with an op of {', '.join(_MEMBERS)}")
    for name in _MEMBERS[kind]:
        if name not in operation or (name != "value" and not isinstance(operation[name], str)):
            raise MalformedPatch(f"Operation {number} ({kind}) has no {name}, or one that is no string")
    found: Operation = {name: operation[name] for name in ("op", *_MEMBERS[kind])}
    try:
        JsonPatch([found])
        JsonPointer(found.get("from", ""))
    except (InvalidJsonPatch, JsonPointerException) as error:
        raise MalformedPatch(f"{_named(number, found)}: {error}") from None
    return found


def operations(document: bytes) -> list[Operation]:
    """Return the operations of a JSON Patch document.

    Raises:
        InvalidJson: it is not strict JSON.
        MalformedPatch: it is not a JSON Patch.
    """
    found = read_strictly(document)
    if not isinstance(found, list):
        raise MalformedPatch("A JSON Patch is an array of operations")
    if len(found) > OPERATIONS:
        raise TooCostly(f"A patch has at most {OPERATIONS} operations")
    return [_operation(number, operation) for number, operation in enumerate(found)]


def _expression(tree: Any, path: str) -> str | None:
    """Return a JSON Pointer as the FHIRPath of the same place, when it is one."""
    text = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(text, str):
        return None
    for step in path_split(path):
        if step.isdigit():
            text += f"[{step}]"
        elif _NAME.fullmatch(step):
            text += f".{step}"
        elif step != "-":
            return None
    return text


def _refuse(number: int, operation: Operation, tree: Any, error: Exception) -> NoReturn:
    # What the library says may quote the resource: only the kinds of its failures are told.
    if isinstance(error, JsonPatchTestFailed):
        reason = "the value there is another one, or there is none"
    elif isinstance(error, JsonPointerException):
        reason = "the path leads nowhere in the resource"
    else:
        reason = str(error)
    raise Unprocessable(f"{_named(number, operation)}: {reason}", _expression(tree, operation["path"]))


def _found(tree: Any, pointer: str) -> Any:
    """Return what a pointer leads to.

    Raises:
        JsonPointerException: it leads nowhere; the place after the last member of a list is none yet.
    """
    found = JsonPointer(pointer).resolve(tree)
    if isinstance(found, EndOfList):
        raise JsonPointerException("Nothing is there")
    return found


def _too_deep() -> TooCostly:
    return TooCostly("The patch nests objects and arrays too deep")


def apply(tree: Any, patch: Sequence[Operation], *, most_bytes: int = MOST_BYTES) -> Any:
    """Return the tree with all operations applied; `tree` itself stays as it is.

    Args:
        tree: JSON; numbers as `int`, `float` or `Decimal`.
        patch: What `operations` returned.
        most_bytes: What all copies may add up to, as JSON.

    Raises:
        Unprocessable: an operation cannot be applied; its number and path are named.
        TooCostly: the copies are larger than `most_bytes`, or what they make is nested too deep.
    """
    tree, copied = deepcopy(tree), 0
    for number, operation in enumerate(patch):
        try:
            if operation["op"] == "copy":
                copied += len(write(_found(tree, operation["from"])))
                if copied > most_bytes:
                    raise TooCostly(f"{_named(number, operation)}: the copies are too large")
            tree = JsonPatch([operation]).apply(tree, in_place=True)
        except (JsonPatchException, JsonPointerException) as error:
            _refuse(number, operation, tree, error)
        except RecursionError:
            raise _too_deep() from None
    return tree


def read(document: bytes) -> Patch:
    """Return the patch that a document is.

    Raises:
        InvalidJson: it is not strict JSON.
        MalformedPatch: it is not a JSON Patch.
    """
    patch = operations(document)

    def patched(body: bytes) -> bytes:
        tree = apply(read_exactly(body), patch)
        try:
            return write(tree)
        except RecursionError:
            raise _too_deep() from None

    return patched
