"""How what is provided is refused: with all that is wrong, each at its place."""

from collections.abc import Sequence
from typing import NoReturn

from fhir.errors import Unprocessable
from fhir.issue import Issue


def refuse(issues: Sequence[Issue]) -> None:
    """Refuse what is provided for these reasons, if there are any.

    Raises:
        Unprocessable: there are.
    """
    if issues:
        raise Unprocessable("The documents cannot be taken as they are provided", issues=issues)


def refuse_for(code: str, place: str, text: str) -> NoReturn:
    """Refuse what is provided for one reason.

    Args:
        code: An IssueType code.
        place: Where it is.
        text: What is wrong.

    Raises:
        Unprocessable: always.
    """
    raise Unprocessable(text, issues=[Issue("error", code, place, text)])
