"""Why somebody breaks the glass: a code of ours and words of the person's own, both required.

個人情報保護法 第27条第1項第2号: to protect life, body or property, where consent is hard to get.
"""

from app.one_line import one_line
from fhir.errors import InvalidValue

SYSTEM = "http://renkei.example/fhir/CodeSystem/break-glass-reason"

CODES = ("unconscious", "life-threat", "no-proxy", "disaster", "other")
"""Cannot say so; life or body in danger; cannot decide and nobody is there who may; disaster; something else."""

SHORTEST, LONGEST = 5, 500
"""Characters of the words."""


def checked(code: str, words: str) -> tuple[str, str]:
    """Return a reason as it is kept.

    Raises:
        InvalidValue: the code is not known, or the words are missing, too short or too long.
    """
    if code not in CODES:
        raise InvalidValue(f"reason_code is one of {', '.join(CODES)}", "reason_code")
    found = one_line(words, LONGEST, shortest=SHORTEST)
    if not found:
        raise InvalidValue(f"reason is in words of {SHORTEST} to {LONGEST} characters", "reason")
    return code, found
