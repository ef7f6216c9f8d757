"""What is wrong with a message, by the place in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a message that a person should look at."""

    segment: str
    """Its name; empty for a line that is no segment."""
    index: int
    """Which of the segments of that name, from 1; of a line that is no segment, which line."""
    field: int
    """Its number; 0 where the whole segment is meant."""
    text: str


class Hl7Error(Exception):
    """A message that cannot be taken."""

    def __init__(self, segment: str, index: int, field: int, text: str, *, code: int = 207) -> None:
        """Keep where it is wrong; `code` is of HL7 table 0357, by default 207 (application internal error)."""
        super().__init__(f"{segment or 'line'} {index}, field {field}: {text}")
        self.finding = Finding(segment, index, field, text)
        self.code = code
