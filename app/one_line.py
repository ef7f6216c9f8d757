"""Words that somebody typed, as they are kept: on one line."""


def one_line(text: str, longest: int, *, shortest: int = 1) -> str:
    """Return a text with a single space wherever it has white space.

    Args:
        text: As it was typed.
        longest: Characters that it may have then.
        shortest: Characters that it must have then.

    Returns:
        The text; empty when it is too short or too long, or has characters that are not printed.
    """
    found = " ".join(text.split())
    return found if shortest <= len(found) <= longest and found.isprintable() else ""
