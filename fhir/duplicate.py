"""The first key that stands twice in one object; JSON readers keep one of the two, and not all the same one.

https://www.rfc-editor.org/rfc/rfc8259#section-4
"""

import re

import orjson

_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"(?:[ \t\r\n]*+(:))?|[{}\[\],]')


def first_duplicate(body: bytes) -> tuple[str, str, int] | None:
    """Return the first key that its object already has.

    Args:
        body: Well-formed JSON: one object.

    Returns:
        The key, the path of its object (`Patient.name[0]`; the outer object is its `resourceType`) and the
        byte offset of the key; or None if no object has a key twice.
    """
    containers: list[set[str] | None] = []  # the keys so far of each open object; None for an array
    path: list[str | int] = []  # where each open container is: the key or the index in it
    for token in _TOKEN.finditer(body):
        mark = body[token.start()]
        if mark == 0x22:  # a string
            if token[2] is None:
                continue
            key = orjson.loads(b'"' + token[1] + b'"')
            keys = containers[-1]
            if keys is None or key in keys:
                return key, _path(body, path[:-1]), token.start()
            keys.add(key)
            path[-1] = key
        elif mark in b"{[":
            containers.append(set() if mark == 0x7B else None)
            path.append("" if mark == 0x7B else 0)
        elif mark in b"}]":
            containers.pop()
            path.pop()
        elif isinstance(index := path[-1], int):  # a comma in an array
            path[-1] = index + 1
    return None


def _path(body: bytes, path: list[str | int]) -> str:
    name = orjson.loads(body).get("resourceType")
    text = name if isinstance(name, str) else "$"
    return text + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
