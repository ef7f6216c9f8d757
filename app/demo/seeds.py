"""Seeds: every random choice and every UUID of the demo follows from the region's seed and a name.

A choice is drawn from its own name, not from one running generator, so that a row added to a table
changes nothing but itself. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5
"""

import random
import uuid

DEMO = uuid.UUID("6f1d0d5e-0c55-5a0f-9b0e-72656e6b6569")
"""The UUID namespace of everything the demo makes."""


def draw(seed: int, *name: object) -> random.Random:
    """Return the generator of one named choice.

    Args:
        seed: The region's seed.
        name: What is being chosen: any parts whose text tells the choice from every other.

    Returns:
        A generator that is the same in every process and on every platform.
    """
    return random.Random(f"{seed}/" + "/".join(map(str, name)))  # noqa: S311 - reproducible, guards no secret


def urn(seed: int, *name: object) -> str:
    """Return the `urn:uuid:` of one named resource: UUID version 5, so always the same."""
    return uuid.uuid5(DEMO, f"{seed}/" + "/".join(map(str, name))).urn
